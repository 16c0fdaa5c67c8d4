const MASK = "***";

/** Shorter secrets occur in any text by chance; masking them would hide the message instead of the password. */
const SHORTEST_SECRET = 4;

/**
 * Removes the secrets of one provider from errors. `isPublic` lists texts that are shown anyway, such as the user's
 * name: a password that equals one of them cannot be kept secret.
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

  /** Masks the secrets, in place, in every string of the error and of the errors inside it. */
  clean(error: unknown, depth = 5): void {
    if (this.#secrets.length === 0 || depth === 0 || typeof error !== "object" || error === null) return;
    for (const key of Object.getOwnPropertyNames(error)) {
      const value: unknown = Reflect.get(error, key);
      if (typeof value === "object") this.clean(value, depth - 1);
      else if (typeof value === "string" && this.text(value) !== value) {
        // Returns false for a frozen object; no driver throws one.
        Reflect.defineProperty(error, key, { value: this.text(value) });
      }
    }
  }
}
