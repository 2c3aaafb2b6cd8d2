// What takes the focus when what had it is gone: the heading of what was opened, as the link
// of the list before it is gone then, or a button or heading that stays.

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Gives an element the focus if nothing has it. */
export function takeFocus(element: HTMLElement | null): void {
  if (document.activeElement === document.body) element?.focus();
}

/** For an element that takes the focus when it comes, if nothing has it. */
export function useFocus<E extends HTMLElement>(): RefObject<E | null> {
  const element = useRef<E>(null);
  useEffect(() => takeFocus(element.current), []);
  return element;
}

export function Heading({ of, children }: { of?: RefObject<HTMLHeadingElement | null>; children: ComponentChildren }) {
  const own = useRef<HTMLHeadingElement>(null);
  const element = of ?? own;
  useEffect(() => takeFocus(element.current), []);
  return (
    <h1 ref={element} tabIndex={-1}>
      {children}
    </h1>
  );
}
