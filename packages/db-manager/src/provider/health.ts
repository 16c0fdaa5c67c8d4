import type { DatabaseError, DatabaseErrorCode } from "../errors/errors.ts";
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
  /** The error that caused the change, if there was one. */
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

/** Holds the health of one provider: receives events and reports changes of its state. */
export class Health {
  readonly #init: HealthInit;
  #current: ProviderHealth;
  /** The health before the last error, restored if the error proves to be the caller's fault. */
  #blamed: { readonly error: DatabaseError; readonly health: ProviderHealth } | undefined;
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
    if (error !== undefined) this.#blame(error, before);
    // A provider that is still recovering is still affected by the error.
    else if (this.#current.state === "up") this.#blamed = undefined;
    if (this.#current.state !== before.state) this.#tell(before.state, error);
  }

  /**
   * Remembers the error to undo. A retried statement fails with the same error; acquitting the last one undoes them
   * all.
   */
  #blame(error: DatabaseError, before: ProviderHealth): void {
    const { sqlState } = error;
    const blamed = this.#blamed;
    if (blamed !== undefined && sqlState !== undefined && blamed.error.sqlState === sqlState) {
      this.#blamed = { ...blamed, error };
    } else if (this.#current.state !== before.state) this.#blamed = { error, health: before };
  }

  /** Records an error as the provider's last one, for the statistics. */
  note({ code, sqlState, message }: DatabaseError): void {
    this.#lastError = { at: new Date(this.#init.nowMs()), code, sqlState, message };
  }

  /** Undoes the effect of an error that proved to be the caller's fault. */
  acquit(error: DatabaseError): void {
    if (this.#blamed?.error !== error) return;
    const { state: from } = this.#current;
    this.#current = this.#blamed.health;
    this.#blamed = undefined;
    if (this.#current.state !== from) this.#tell(from, undefined);
  }

  #tell(from: ProviderState, error: DatabaseError | undefined): void {
    const { provider, onChange } = this.#init;
    onChange({ provider, from, to: this.#current.state, error });
  }
}
