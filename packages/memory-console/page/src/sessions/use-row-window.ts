import { useEffect, useState, type RefObject } from "react";
import { flushSync } from "react-dom";

/** Rows that are drawn above and below those that are seen. */
const OVERSCAN = 8;

interface RowWindow {
  readonly first: number;
  /** The one after the last. */
  readonly end: number;
}

/**
 * The rows of a list that are drawn at the current scroll position: those in the window, so that no row has to be
 * measured.
 */
export function useRowWindow(scroller: RefObject<HTMLElement | null>, count: number, rowHeight: number): RowWindow {
  const [top, setTop] = useState(0);
  const [rows, setRows] = useState(() => rowsInWindow(rowHeight));
  useEffect(() => {
    const { current } = scroller;
    // At once, so that nobody who scrolls fast sees a gap.
    const scroll = (): void => flushSync(() => setTop(Math.floor((current?.scrollTop ?? 0) / rowHeight)));
    const resize = (): void => setRows(rowsInWindow(rowHeight));
    current?.addEventListener("scroll", scroll, { passive: true });
    window.addEventListener("resize", resize);
    return () => {
      current?.removeEventListener("scroll", scroll);
      window.removeEventListener("resize", resize);
    };
  }, [scroller, rowHeight]);
  return { first: Math.max(0, top - OVERSCAN), end: Math.min(count, top + rows + OVERSCAN) };
}

function rowsInWindow(rowHeight: number): number {
  return Math.ceil(window.innerHeight / rowHeight) + 1;
}
