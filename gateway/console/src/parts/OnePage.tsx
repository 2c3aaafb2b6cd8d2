// The page of one row: the way back to all, its heading, what was done, what could not be
// read; and the page on which a new one is made.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../text/text";
import { Heading, takeFocus } from "./Heading";
import type { Row } from "./row";
import { Unread } from "./Rows";

interface Back {
  /** The address of the list, and its words. */
  back: string;
  all: string;
}

function ToAll({ back, all }: Back) {
  return (
    <p>
      <a href={back}>{all}</a>
    </p>
  );
}

interface Props<T> extends Back {
  of: Row<T>;
  title: (row: T) => ComponentChildren;
  /** What helps where it could not be read. */
  help?: ComponentChildren;
  children: (row: T) => ComponentChildren;
}

export function OnePage<T>({ of: { now, failure, said, load }, back, all, title, help, children }: Props<T>) {
  const heading = useRef<HTMLHeadingElement>(null);
  // What was pressed may be gone with what was done.
  useEffect(() => takeFocus(heading.current), [said.value]);
  return (
    <>
      <ToAll back={back} all={all} />
      {now.value && <Heading of={heading}>{title(now.value)}</Heading>}
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      <Unread failure={failure.value} onAgain={load}>
        {help}
      </Unread>
      {now.value && children(now.value)}
    </>
  );
}

interface NewProps extends Back {
  title: string;
  /** Whether who is signed in may make one. */
  isAllowed: boolean;
  children: ComponentChildren;
}

export function NewPage({ back, all, title, isAllowed, children }: NewProps) {
  return (
    <div class="system">
      <ToAll back={back} all={all} />
      <Heading>{title}</Heading>
      {isAllowed ? (
        <section class="card-wide" aria-label={title}>
          {children}
        </section>
      ) : (
        <p>{t("edit.not_yours")}</p>
      )}
    </div>
  );
}
