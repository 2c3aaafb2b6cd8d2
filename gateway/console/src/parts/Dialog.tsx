// A native dialog that is open as long as it is there. Its first field has the focus as soon as
// it is open; what had it before gets it back.

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../text/text";
import { focusFirst } from "./Heading";

interface Props {
  title: string;
  onClose: () => void;
  /** While something is under way that closing would hide. */
  busy?: boolean;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, busy = false, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const closing = useRef<HTMLButtonElement>(null);
  const name = useId();
  useLayoutEffect(() => {
    const shown = element.current;
    shown?.showModal();
    // What is typed next is for the form, and not for the button before it; one that is folded away takes nothing.
    if (document.activeElement === closing.current) focusFirst(shown?.querySelector<HTMLFormElement>("form:not(details:not([open]) *)") ?? null);
    // By closing, the browser gives the focus back; taken out while it is open, it does not.
    return () => shown?.close();
  }, []);
  const cancel = (event: Event) => {
    event.preventDefault();
    if (!busy) onClose();
  };
  // The second Escape in a row closes it without asking (HTML, close watchers).
  const closed = () => {
    if (!element.current?.isConnected) return;
    if (busy) element.current.showModal();
    else onClose();
  };
  return (
    <dialog ref={element} aria-labelledby={name} onCancel={cancel} onClose={closed}>
      <header>
        <h2 id={name}>{title}</h2>
        <button ref={closing} type="button" class="quiet" disabled={busy} onClick={onClose} aria-label={t("close")}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}
