import { createHmac } from "node:crypto";
import { isSameSecret, newSecret } from "../security/access.ts";

/** The place of a picture: the key of a session, the id of an atom, and the position of a part in its content. */
export interface ImagePlace {
  readonly session: string;
  readonly atom: string;
  readonly part: string;
}

/**
 * Addresses of pictures that hold their own proof. A browser asks for the pictures of a page without the header that
 * opens the console, so that each address carries a key for this picture alone, which ends with the process.
 */
export class ImageLinks {
  readonly #secret = newSecret();

  addressOf(place: ImagePlace): string {
    return `api/image?${new URLSearchParams({ ...place, key: this.#keyOf(place) })}`;
  }

  isOurs(place: ImagePlace, key: string | undefined): boolean {
    return isSameSecret(key, this.#keyOf(place));
  }

  #keyOf({ session, atom, part }: ImagePlace): string {
    return createHmac("sha256", this.#secret)
      .update(JSON.stringify([session, atom, part]))
      .digest("base64url");
  }
}
