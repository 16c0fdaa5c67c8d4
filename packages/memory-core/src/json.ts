/** What JSON can hold. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** A JSON object. Keys set to `undefined` are left out when it is stored. */
export interface JsonObject {
  [key: string]: JsonValue;
}
