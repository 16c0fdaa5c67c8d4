/** UUIDs as numbers: four words of 32 bits, for which processors have instructions. */

const HYPHEN = "-".charCodeAt(0);
/** The positions of the words in the text of a UUID. */
const PLACES = [0, 9, 19, 28] as const;
const DIGITS_PER_WORD = 8;

/** The value of a hexadecimal digit, by its character code. */
const VALUES = new Uint8Array(128);
for (let value = 0; value < 16; value++) VALUES[value.toString(16).charCodeAt(0)] = value;

/** The two digits of each byte. */
const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * The bitwise XOR of UUIDs. Folded over a set of ids, it is a digest of the set that does not depend on the order:
 * adding an id and removing it are the same operation.
 *
 * It is on the path of every save. With words, three ids take 0.35 µs; with one big integer they took 0.95 µs.
 */
export function xorIds(ids: readonly string[]): string {
  let [first, second, third, fourth] = [0, 0, 0, 0];
  for (const id of ids) {
    first ^= idWord(id, 0);
    second ^= idWord(id, 1);
    third ^= idWord(id, 2);
    fourth ^= idWord(id, 3);
  }
  return idOfWords(first, second, third, fourth);
}

/** A word of a UUID as a signed number. */
function idWord(id: string, index: 0 | 1 | 2 | 3): number {
  let word = 0;
  for (let position: number = PLACES[index], count = 0; count < DIGITS_PER_WORD; position++) {
    if (id.charCodeAt(position) === HYPHEN) continue;
    word = (word << 4) | hexDigitAt(id, position);
    count += 1;
  }
  return word;
}

/** The value of a hexadecimal digit in lower case. */
export function hexDigitAt(text: string, position: number): number {
  return VALUES[text.charCodeAt(position)] ?? 0;
}

/** The UUID of four words, signed or not. */
export function idOfWords(first: number, second: number, third: number, fourth: number): string {
  const node = lowerDigits(third) + upperDigits(fourth) + lowerDigits(fourth);
  return `${upperDigits(first)}${lowerDigits(first)}-${upperDigits(second)}-${lowerDigits(second)}-${upperDigits(third)}-${node}`;
}

function upperDigits(word: number): string {
  return `${DIGITS[word >>> 24]}${DIGITS[(word >>> 16) & 0xff]}`;
}

function lowerDigits(word: number): string {
  return `${DIGITS[(word >>> 8) & 0xff]}${DIGITS[word & 0xff]}`;
}
