import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from "react";

/** The distance from the end that still counts as the end, in pixels. */
const NEAR = 48;

/**
 * Opens at the end, and stays there while the content grows, until the reader scrolls away. Both elements have to be
 * there.
 */
export function useStickyEnd(
  scroller: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
): { isAtEnd: boolean; toEnd: () => void } {
  const [isAtEnd, setAtEnd] = useState(true);
  const sticks = useRef(true);

  const toEnd = useCallback(() => {
    const { current } = scroller;
    if (current === null) return;
    sticks.current = true;
    setAtEnd(true);
    current.scrollTop = current.scrollHeight;
  }, [scroller]);

  useLayoutEffect(() => {
    const { current: outer } = scroller;
    const { current: inner } = content;
    if (outer === null || inner === null) return undefined;
    outer.scrollTop = outer.scrollHeight;
    let lastTop = outer.scrollTop;
    const follow = (): void => {
      const distance = outer.scrollHeight - outer.scrollTop - outer.clientHeight;
      // Only the reader scrolls up; content that grows moves the end away.
      if (distance <= NEAR) sticks.current = true;
      else if (outer.scrollTop < lastTop) sticks.current = false;
      lastTop = outer.scrollTop;
      setAtEnd(sticks.current);
    };
    const observer = new ResizeObserver(() => {
      if (sticks.current) outer.scrollTop = outer.scrollHeight;
    });
    observer.observe(inner);
    observer.observe(outer);
    outer.addEventListener("scroll", follow, { passive: true });
    return () => {
      observer.disconnect();
      outer.removeEventListener("scroll", follow);
    };
  }, [scroller, content]);
  return { isAtEnd, toEnd };
}
