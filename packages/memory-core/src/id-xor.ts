/**
 * The bitwise XOR of UUIDs. Folded over a set of ids it is a digest of the set that does not depend on the order:
 * adding an id and taking it away are the same step.
 *
 * It is on the path of every save, also of a process that has only just started: as big integers three ids take 3 µs then, and
 * 0.7 µs once it is compiled, where a loop over their digits took 11 and 0.4 µs.
 */
export function xorIds(ids: readonly string[]): string {
  let xor = 0n;
  for (const id of ids) xor ^= BigInt(`0x${id.replaceAll("-", "")}`);
  return idOfNumber(xor);
}

/** A number of 128 bits in the form of a UUID. */
export function idOfNumber(number: bigint): string {
  const hex = number.toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
