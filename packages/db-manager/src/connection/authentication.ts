/** How a server may have the user prove who it is. */
import { choiceOf } from "../configuration/address-parameters.ts";
import { invalidInput } from "../errors/errors.ts";
import { LocalFault } from "../errors/local-fault.ts";

/** In libpq's words: `password` is the password in clear, `none` covers trust, peer and certificates. */
export type AuthenticationMethod = "none" | "scram-sha-256" | "md5" | "password";

export interface AuthenticationRules {
  readonly allowed: ReadonlySet<AuthenticationMethod>;
  /** Whether the proof has to be bound to the TLS connection, so that nobody can be in between. */
  readonly isBindingRequired: boolean;
}

const METHODS: readonly AuthenticationMethod[] = ["none", "scram-sha-256", "md5", "password"];

/**
 * SCRAM and certificates, which give the server nothing that it could use elsewhere. The password in clear, and its MD5 hash,
 * only over TLS whose certificate is verified, or where `require_auth` asks for them.
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
      "has channel_binding=require and no TLS to bind to; add sslmode=require, set the provider's option ssl, or leave channel_binding out",
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
    throw invalidInput(path, `has a value of require_auth that is not honoured; expected some of ${METHODS.join(",")}`);
  }
  return { allowed: new Set(allowed.filter((method) => method !== undefined)), isBindingRequired };
}

/** The events of pg's connection while a server authenticates a user. */
interface AuthenticationEvents {
  on(event: string, listener: (message: { readonly mechanisms?: readonly string[] }) => void): unknown;
}

/** Watches how a server asks for a proof, and keeps the password back where the rules do not allow it. */
export class Authentication {
  readonly #rules: AuthenticationRules;
  #method: AuthenticationMethod = "none";
  #isBound = false;
  #isServerProven = false;

  constructor(rules: AuthenticationRules, events: AuthenticationEvents) {
    this.#rules = rules;
    // These come before pg's own listeners, which ask for the password.
    events.on("authenticationCleartextPassword", () => (this.#method = "password"));
    events.on("authenticationMD5Password", () => (this.#method = "md5"));
    events.on("authenticationSASL", ({ mechanisms = [] }) => {
      this.#method = "scram-sha-256";
      this.#isBound = mechanisms.includes("SCRAM-SHA-256-PLUS");
    });
    events.on("authenticationSASLFinal", () => (this.#isServerProven = true));
  }

  /** @throws {LocalFault} when the server must not be given a proof of this kind. To be called before one is sent. */
  assertAsked(): void {
    const { allowed, isBindingRequired } = this.#rules;
    if (!allowed.has(this.#method)) {
      const expected = [...allowed].map((method) => NAMES[method]).join(" or ");
      throw refusal(`the server asks for ${NAMES[this.#method]}, and only ${expected} is allowed`);
    }
    if (isBindingRequired && !this.#isBound) {
      throw refusal("channel_binding=require was asked for, and the server does not offer it");
    }
  }

  /** @throws {LocalFault} when the server let the user in without what the rules ask for. */
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
