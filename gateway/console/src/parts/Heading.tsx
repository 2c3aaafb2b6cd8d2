// What takes the focus: where one writes first, as soon as it is there; and when what had it is
// gone, the heading of what was opened, as the link of the list before it is gone then, or a
// button or heading that stays.

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

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

/** Gives the focus to the first field of a form; of radio buttons, to the one that is chosen, as the tabulator does. */
export function focusFirst(form: HTMLFormElement | null): void {
  const first = form?.querySelector<HTMLInputElement>(":is(input:not([type=hidden]), select, textarea):enabled");
  const chosen = first?.type === "radio" && form?.querySelector<HTMLInputElement>(`[name="${first.name}"]:checked:enabled`);
  (chosen || first)?.focus();
}

/** For what is written to first: it has the focus before the next key, in a dialog that opens, too. */
export function useFirst<E extends HTMLElement>(): { ref: RefObject<E | null>; autofocus: true } {
  const ref = useRef<E>(null);
  useLayoutEffect(() => ref.current?.focus(), []);
  return { ref, autofocus: true };
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
