// A list that comes page by page, on the screen: its rows, that there are none, the button
// for more, and what could not be read.

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import { takeFocus } from "./Heading";
import type { Pages } from "./pages";
import { Trouble } from "./Trouble";

interface UnreadProps {
  failure: Failure | null;
  onAgain: () => unknown;
  children?: ComponentChildren;
}

/** What could not be read, and the button that tries it again. */
export function Unread({ failure, onAgain, children }: UnreadProps) {
  if (!failure) return null;
  return (
    <Trouble failure={failure}>
      <button type="button" onClick={() => void onAgain()}>
        {t("again")}
      </button>
      {children}
    </Trouble>
  );
}

interface Props<T> {
  of: Pages<T>;
  /** Those that are shown, where a search leaves some out. */
  shown?: T[];
  /** What is said when there are none. */
  empty: string;
  /** What else is said of them all. */
  said?: ComponentChildren;
  kind?: "people" | "history" | "odd";
  /** What is said of rows that cannot be shown. */
  leftOut?: (n: number) => string;
  /** The words of the button for more. */
  more?: string;
  children: (row: T) => ComponentChildren;
}

export function Rows<T>({ of, shown = of.rows.value, empty, said, kind = "people", leftOut, more = t("inbox.more"), children }: Props<T>) {
  const list = useRef<HTMLUListElement & HTMLOListElement>(null);
  const List = kind === "history" ? "ol" : "ul";
  const isEmpty = shown.length === 0 && !of.loading.value && !of.failure.value;
  // The button is gone with the last page.
  const press = () => void of.more().then(() => takeFocus(list.current));
  return (
    <>
      <div role="status">
        {isEmpty && <p class="empty">{empty}</p>}
        {said}
      </div>
      <List ref={list} class={kind} tabIndex={-1}>
        {shown.map((row) => children(row))}
      </List>
      {leftOut && of.leftOut.value > 0 && <p class="hint">{leftOut(of.leftOut.value)}</p>}
      {of.next.value && (
        <p>
          <button type="button" aria-disabled={of.loading.value} onClick={press}>
            {more}
          </button>
        </p>
      )}
    </>
  );
}
