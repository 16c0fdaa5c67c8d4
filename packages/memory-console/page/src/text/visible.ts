/**
 * Makes characters visible that a reader would not see, or that would move other characters: control characters as
 * their pictures, marks that change the direction of the text, and lone surrogates.
 */
export function visible(text: string): string {
  return text
    .replaceAll(/[\0-\u0008\u000b\u000c\u000e-\u001f]/g, (unit) => String.fromCharCode(0x24_00 + unit.charCodeAt(0)))
    .replaceAll(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, (unit) => `⟨${codeOf(unit)}⟩`)
    .replaceAll(
      /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
      (unit) => `⟨${codeOf(unit)}⟩`,
    );
}

function codeOf(unit: string): string {
  return `U+${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
