import type { DatabaseError, DatabaseErrorCode } from "./errors.ts";
import {
  initialHealth,
  nextHealth,
  type ProviderEvent,
  type ProviderHealth,
  type ProviderState,
} from "./provider-state.ts";

export interface StateChange {
  readonly provider: string;
  readonly from: ProviderState;
  readonly to: ProviderState;
  /** What brought it about, where that was an error. */
  readonly error: DatabaseError | undefined;
}

export interface LastError {
  readonly at: Date;
  readonly code: DatabaseErrorCode;
  readonly sqlState: string | undefined;
  readonly message: string;
}

interface HealthInit {
  readonly provider: string;
  readonly nowMs: () => number;
  readonly dwellMs: number;
  /** Whether no other provider takes work. */
  readonly isAlone: () => boolean;
  readonly onChange: (change: StateChange) => void;
}

/** Holds the health of one provider: what happens to it goes in, and changes of its state come out. */
export class Health {
  readonly #init: HealthInit;
  #current: ProviderHealth;
  /** The health that an error ended, for the case that the error turns out to be the caller's. */
  #before: { readonly error: DatabaseError; readonly health: ProviderHealth } | undefined;
  #lastError: LastError | undefined;

  constructor(init: HealthInit) {
    this.#init = init;
    this.#current = initialHealth({ nowMs: init.nowMs(), dwellMs: init.dwellMs });
  }

  get current(): ProviderHealth {
    return this.#current;
  }

  get state(): ProviderState {
    return this.#current.state;
  }

  get lastError(): LastError | undefined {
    return this.#lastError;
  }

  apply(event: ProviderEvent, error?: DatabaseError): void {
    const { nowMs, isAlone, dwellMs } = this.#init;
    const before = this.#current;
    this.#current = nextHealth(before, event, { nowMs: nowMs(), isAlone: isAlone(), dwellMs });
    if (this.#current.state === before.state) return;
    this.#before = error === undefined ? undefined : { error, health: before };
    this.#tell(before.state, error);
  }

  /** Keeps an error for those who ask what failed last. */
  note({ code, sqlState, message }: DatabaseError): void {
    this.#lastError = { at: new Date(this.#init.nowMs()), code, sqlState, message };
  }

  /** Takes back what an error did: it was the caller's. */
  acquit(error: DatabaseError): void {
    if (this.#before?.error !== error) return;
    const { state: from } = this.#current;
    this.#current = this.#before.health;
    this.#before = undefined;
    this.#tell(from, undefined);
  }

  #tell(from: ProviderState, error: DatabaseError | undefined): void {
    const { provider, onChange } = this.#init;
    onChange({ provider, from, to: this.#current.state, error });
  }
}
