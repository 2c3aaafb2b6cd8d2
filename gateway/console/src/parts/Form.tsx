// A form: its fields, what was refused, and the buttons, which settle on the reply.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../text/text";
import { focusFirst } from "./Heading";
import type { Sending } from "./sending";
import { Trouble } from "./Trouble";

interface Props {
  of: Pick<Sending, "busy" | "failure">;
  submit: string;
  onSend: (form: HTMLFormElement) => unknown;
  onCancel?: () => void;
  cancel?: string;
  /** Whether it takes something away. */
  isDangerous?: boolean;
  /** Whether it is not the main thing here. */
  isQuiet?: boolean;
  /** Whether it is in a page, and not in a dialog. */
  inPage?: boolean;
  /** Whether the first field gets the focus; it always does in a dialog that opens. */
  takesFocus?: boolean;
  /** What is said beside a refusal. */
  because?: ComponentChildren;
  advice?: string | undefined;
  /** What is beside the buttons. */
  beside?: ComponentChildren;
  children?: ComponentChildren;
}

export function Form({ of: { busy, failure }, submit, onSend, onCancel, cancel, isDangerous, isQuiet, inPage, takesFocus, because, advice, beside, children }: Props) {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    if (takesFocus) focusFirst(form.current);
  }, []);
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    if (!busy.peek()) onSend(event.currentTarget as HTMLFormElement);
  };
  return (
    <form ref={form} onSubmit={send}>
      {children}
      {failure.value && (
        <Trouble failure={failure.value} advice={advice}>
          {because}
        </Trouble>
      )}
      <footer class={inPage ? "buttons" : undefined}>
        <button class={isDangerous ? "decline main" : isQuiet ? undefined : "main"} aria-disabled={busy.value}>
          {submit}
        </button>
        {onCancel && (
          <button type="button" class="quiet" disabled={busy.value} onClick={onCancel}>
            {cancel ?? t("cancel")}
          </button>
        )}
        {beside}
      </footer>
    </form>
  );
}
