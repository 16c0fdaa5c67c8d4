import { printable } from "./printable.ts";

/** What went wrong, as it is told on stderr: one line, or one JSON document. */
export function errorText(code: string, message: string, isJson: boolean): string {
  return isJson
    ? `${JSON.stringify({ error: { code, message } })}\n`
    : `rivet-memory: ${printable(message)} (${code})\n`;
}

/** A message that may repeat what was typed, up to the first address, as that may hold a password. */
export function withoutAddresses(message: string): string {
  return message.replace(/((postgres(ql)?|supabase):|[a-z][\w+.-]*:\/\/).*/is, "$1…");
}
