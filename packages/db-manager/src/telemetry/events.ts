import { invalidInput, show, type DatabaseError } from "../errors/errors.ts";
import type { StateChange } from "../provider/health.ts";

/** Work moved from one provider to another. */
export interface ProviderChange {
  readonly from: string;
  readonly to: string;
  /** What brought it about, where that was an error. */
  readonly error: DatabaseError | undefined;
}

export interface DatabaseEvents {
  /** The state of a provider changed. */
  stateChange: [change: StateChange];
  /** A provider further down the order takes the work. */
  failover: [change: ProviderChange];
  /** A provider further up the order takes the work again. */
  failback: [change: ProviderChange];
  /** A connection failed while no caller was waiting for it. Nothing has to be done; nobody has to listen. */
  error: [error: DatabaseError];
}

type Listener<Name extends keyof DatabaseEvents> = (...event: DatabaseEvents[Name]) => void;
type Listeners = { readonly [Name in keyof DatabaseEvents]: Set<Listener<Name>> };

/** Without the two traps of Node's emitter: an `error` without a listener, and a listener that throws into our own code. */
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
      throw invalidInput("name", `is ${show(name)}, which is no event; expected one of ${names}`);
    }
    return this.#listeners[name];
  }
}
