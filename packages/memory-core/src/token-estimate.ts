import { messageParts, type Message } from "./message.ts";

const BYTES_PER_TOKEN = 4;
const TOKENS_PER_MESSAGE = 4;

/**
 * An estimate of the tokens of a message: its UTF-8 bytes over four, and four for the frame of the message.
 */
export function estimateTokens(message: Message): number {
  let bytes = 0;
  for (const part of messageParts(message.content)) bytes += utf8Length(textOf(part));
  return Math.ceil(bytes / BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE;
}

function textOf(part: ReturnType<typeof messageParts>[number]): string {
  return part.type === "text" || part.type === "reasoning" ? part.text : JSON.stringify(part);
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff)) bytes += 2;
    // A surrogate pair is two units and four bytes.
    else if (unit >= 0x80) bytes += 1;
  }
  return bytes;
}
