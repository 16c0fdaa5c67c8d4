import { printable, printableJson } from "./printable.ts";

/** The text of an error on stderr: one line, or one JSON document. */
export function errorText(code: string, message: string, isJson: boolean): string {
  return isJson
    ? `${printableJson({ error: { code, message } })}\n`
    : `rivet-memory: ${printable(message)} (${code})\n`;
}

/** A message that may repeat what was typed, up to the first address, as that may hold a password. */
export function withoutAddresses(message: string): string {
  return message.replace(/((postgres(ql)?|supabase):|[a-z][\w+.-]*:\/\/).*/is, "$1…");
}

/** A message without the user and password of an address that it may hold; the rest of the address stays. */
export function withoutCredentials(message: string): string {
  return message.replace(/:\/\/\S*@/g, "://…@");
}
