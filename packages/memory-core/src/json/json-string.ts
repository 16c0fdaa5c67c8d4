/**
 * The position after the closing quote of a JSON string whose opening quote is at `start`; the end of the text for an
 * unclosed string. Pure, in linear time.
 */
export function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1 && backslashesBefore(text, quote) % 2 === 1) quote = text.indexOf('"', quote + 1);
  return quote === -1 ? text.length : quote + 1;
}

function backslashesBefore(text: string, position: number): number {
  let backslashes = 0;
  while (text[position - 1 - backslashes] === "\\") backslashes++;
  return backslashes;
}
