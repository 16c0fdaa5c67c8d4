/** The position in the list, for its keys. */
interface ListPlace {
  /** The row that is open; -1 when none is. */
  readonly selected: number;
  readonly count: number;
  readonly rowsInView: number;
}

/**
 * The row that a key leads to; undefined for a key that is none of the list's. Pure.
 *
 * @param isTyping whether the key was pressed in a field, where Home and End move within the text and Enter opens what
 *   was found.
 */
export function rowAfter(
  key: string,
  { selected, count, rowsInView }: ListPlace,
  isTyping: boolean,
): number | undefined {
  const last = count - 1;
  const page = Math.max(rowsInView - 1, 1);
  const within = (row: number): number => Math.min(Math.max(row, 0), last);
  switch (key) {
    case "ArrowDown":
      return within(selected + 1);
    case "ArrowUp":
      return within(selected - 1);
    case "PageDown":
      return within(selected + page);
    case "PageUp":
      return within(selected - page);
    case "Home":
      return isTyping ? undefined : 0;
    case "End":
      return isTyping ? undefined : last;
    case "Enter":
      return isTyping ? within(selected) : undefined;
    default:
      return undefined;
  }
}
