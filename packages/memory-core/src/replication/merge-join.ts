/** Reads lists page by page, and joins two of them. */

/** All items of all pages; each page starts after the last item of the previous one. */
export async function* allPages<Item>(
  select: (after: Item | undefined, limit: number) => Promise<readonly Item[]>,
  limit: number,
): AsyncGenerator<Item> {
  let last: Item | undefined;
  for (;;) {
    const page = await select(last, limit);
    yield* page;
    last = page.at(-1);
    if (page.length < limit) return;
  }
}

/** The items of two sorted lists; equal items come as a pair. In constant memory. */
export async function* mergeJoin<Item>(
  left: AsyncIterator<Item>,
  right: AsyncIterator<Item>,
  compare: (left: Item, right: Item) => number,
): AsyncGenerator<readonly [Item | undefined, Item | undefined]> {
  let [onLeft, onRight] = await Promise.all([left.next(), right.next()]);
  while (onLeft.done !== true || onRight.done !== true) {
    const order = onLeft.done === true ? 1 : onRight.done === true ? -1 : compare(onLeft.value, onRight.value);
    yield [
      order <= 0 && onLeft.done !== true ? onLeft.value : undefined,
      order >= 0 && onRight.done !== true ? onRight.value : undefined,
    ];
    if (order <= 0) onLeft = await left.next();
    if (order >= 0) onRight = await right.next();
  }
}

/** The order of UTF-8 bytes, in which stores keep session ids. It differs from the order of UTF-16 units. */
export function compareBytes(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const [one, other] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (one === other) continue;
    // Surrogates encode code points that sort after all others.
    const isOneAstral = isSurrogate(one);
    return isOneAstral === isSurrogate(other) ? one - other : isOneAstral ? 1 : -1;
  }
  return left.length - right.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
