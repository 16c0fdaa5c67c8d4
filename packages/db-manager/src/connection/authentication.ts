/** Rules for the authentication methods that a server may use, and a guard that enforces them. */
import { choiceOf } from "../configuration/address-parameters.ts";
import { invalidInput } from "../errors/errors.ts";
import { LocalFault } from "../errors/local-fault.ts";

/** Methods as libpq names them: `password` is the password in clear, `none` covers trust, peer and certificates. */
export type AuthenticationMethod = "none" | "scram-sha-256" | "md5" | "password";

export interface AuthenticationRules {
  readonly allowed: ReadonlySet<AuthenticationMethod>;
  /** Whether authentication must be bound to the TLS connection, which rules out a man in the middle. */
  readonly isBindingRequired: boolean;
}

const METHODS: readonly AuthenticationMethod[] = ["none", "scram-sha-256", "md5", "password"];

/**
 * Returns the methods that are allowed. SCRAM and certificates always are, because they reveal nothing that the server
 * could use elsewhere. The password in clear and its MD5 hash are allowed only over TLS with a verified certificate, or
 * if `require_auth` names them.
 *
 * @throws {DatabaseError} `invalid_input`
 */
export function authenticationRules(
  parameters: ReadonlyMap<string, string>,
  { hasTls, isVerified, path }: { readonly hasTls: boolean; readonly isVerified: boolean; readonly path: string },
): AuthenticationRules {
  const binding = choiceOf(parameters, "channel_binding", ["disable", "prefer", "require"], path);
  if (binding === "require" && !hasTls) {
    throw invalidInput(
      path,
      "has channel_binding=require but no TLS to bind to; add sslmode=require, set the provider's option ssl, or leave channel_binding out",
    );
  }
  const isBindingRequired = binding === "require";
  const asked = parameters.get("require_auth");
  if (asked === undefined) {
    const allowed: AuthenticationMethod[] = isVerified ? [...METHODS] : ["none", "scram-sha-256"];
    return { allowed: new Set(allowed), isBindingRequired };
  }
  const allowed = asked.split(",").map((name) => METHODS.find((method) => method === name));
  if (allowed.includes(undefined)) {
    throw invalidInput(path, `has an unsupported value of require_auth; expected one or more of ${METHODS.join(",")}`);
  }
  return { allowed: new Set(allowed.filter((method) => method !== undefined)), isBindingRequired };
}

/** Events that pg's connection emits while the server authenticates the user. */
interface AuthenticationEvents {
  on(event: string, listener: (message: { readonly mechanisms?: readonly string[] }) => void): unknown;
}

/** Watches which authentication method a server requests, and withholds the password if the rules forbid the method. */
export class Authentication {
  readonly #rules: AuthenticationRules;
  #method: AuthenticationMethod = "none";
  #isBound = false;
  #isServerProven = false;

  constructor(rules: AuthenticationRules, events: AuthenticationEvents) {
    this.#rules = rules;
    // These run before pg's own listeners, which request the password.
    events.on("authenticationCleartextPassword", () => (this.#method = "password"));
    events.on("authenticationMD5Password", () => (this.#method = "md5"));
    events.on("authenticationSASL", ({ mechanisms = [] }) => {
      this.#method = "scram-sha-256";
      this.#isBound = mechanisms.includes("SCRAM-SHA-256-PLUS");
    });
    events.on("authenticationSASLFinal", () => (this.#isServerProven = true));
  }

  /**
   * @throws {LocalFault} if the rules forbid the method that the server requests. Call this before anything is sent.
   */
  assertAsked(): void {
    const { allowed, isBindingRequired } = this.#rules;
    if (!allowed.has(this.#method)) {
      const expected = [...allowed].map((method) => NAMES[method]).join(" or ");
      throw refusal(`the server requests ${NAMES[this.#method]}, but only ${expected} is allowed`);
    }
    if (isBindingRequired && !this.#isBound) {
      throw refusal("the address has channel_binding=require, but the server does not offer channel binding");
    }
  }

  /** @throws {LocalFault} if the server let the user in without the authentication that the rules require. */
  assertProven(): void {
    this.assertAsked();
    if (this.#method === "scram-sha-256" && !this.#isServerProven) {
      throw refusal("the server did not prove that it knows the password");
    }
  }
}

const NAMES: Readonly<Record<AuthenticationMethod, string>> = {
  none: "no password",
  "scram-sha-256": "SCRAM-SHA-256",
  md5: "the password's MD5 hash",
  password: "the password in clear",
};

function refusal(reason: string): LocalFault {
  return new LocalFault("RIVET_AUTHENTICATION", `${reason}; the password was not sent`);
}
