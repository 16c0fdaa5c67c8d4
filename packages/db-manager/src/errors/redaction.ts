const MASK = "***";

/** Shorter ones occur in any text by chance, and masking them would hide the message and not the password. */
const SHORTEST_SECRET = 4;

/**
 * Takes the secrets of one provider out of errors. `isPublic` are texts, such as the user's name, that are shown
 * anyway: a password that equals one of them is no secret that could be kept.
 */
export class Redactor {
  readonly #secrets: readonly string[];

  constructor(secrets: readonly string[], isPublic: readonly string[]) {
    const forms = secrets.flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      encodeURI(secret),
      JSON.stringify(secret).slice(1, -1),
    ]);
    this.#secrets = [...new Set(forms)]
      .filter((form) => form.length >= SHORTEST_SECRET && !isPublic.includes(form))
      .toSorted((a, b) => b.length - a.length);
  }

  text(text: string): string {
    return this.#secrets.reduce((clean, secret) => clean.replaceAll(secret, MASK), text);
  }

  /** Masks the secrets in every text that the error holds, in place, and in the errors that it holds. */
  clean(error: unknown, depth = 5): void {
    if (this.#secrets.length === 0 || depth === 0 || typeof error !== "object" || error === null) return;
    for (const key of Object.getOwnPropertyNames(error)) {
      const value: unknown = Reflect.get(error, key);
      if (typeof value === "object") this.clean(value, depth - 1);
      else if (typeof value === "string" && this.text(value) !== value) {
        // False for an object that is frozen, which no driver throws.
        Reflect.defineProperty(error, key, { value: this.text(value) });
      }
    }
  }
}
