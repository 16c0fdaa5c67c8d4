import { invalidInput, show, type DatabaseError } from "../errors/errors.ts";
import type { StateChange } from "../provider/health.ts";

/** Work moved from one provider to another. */
export interface ProviderChange {
  readonly from: string;
  readonly to: string;
  /** The error that caused the change, if there was one. */
  readonly error: DatabaseError | undefined;
}

export interface DatabaseEvents {
  /** The state of a provider changed. */
  stateChange: [change: StateChange];
  /** A provider further down the order takes the work. */
  failover: [change: ProviderChange];
  /** A provider further up the order takes the work again. */
  failback: [change: ProviderChange];
  /** A connection failed while no caller was waiting for it. No listener is required, and no action is needed. */
  error: [error: DatabaseError];
}

type Listener<Name extends keyof DatabaseEvents> = (...event: DatabaseEvents[Name]) => void;
type Listeners = { readonly [Name in keyof DatabaseEvents]: Set<Listener<Name>> };

/**
 * An event emitter without the two traps of Node's: it does not throw if `error` has no listener, and an exception of a
 * listener does not reach the code that emits.
 */
export class Events {
  readonly #listeners: Listeners = {
    stateChange: new Set(),
    failover: new Set(),
    failback: new Set(),
    error: new Set(),
  };

  on<Name extends keyof DatabaseEvents>(name: Name, listener: Listener<Name>): void {
    this.#of(name).add(listener);
  }

  off<Name extends keyof DatabaseEvents>(name: Name, listener: Listener<Name>): void {
    this.#of(name).delete(listener);
  }

  emit<Name extends keyof DatabaseEvents>(name: Name, ...event: DatabaseEvents[Name]): void {
    for (const listener of this.#of(name)) {
      try {
        listener(...event);
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  #of<Name extends keyof DatabaseEvents>(name: Name): Listeners[Name] {
    if (!Object.hasOwn(this.#listeners, name)) {
      const names = Object.keys(this.#listeners).join(", ");
      throw invalidInput("name", `is ${show(name)}, which is not an event; expected one of ${names}`);
    }
    return this.#listeners[name];
  }
}
