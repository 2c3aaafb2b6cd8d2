// A dialog that asks before something is done: what will happen, what is needed for it, and
// what came of it if it was refused.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import { Dialog } from "./Dialog";
import { attempt } from "./once";
import { Trouble } from "./Trouble";

interface Props<T> {
  title: string;
  /** What will happen. */
  lead?: string;
  submit: string;
  /** Whether it takes something away. */
  isDangerous?: boolean;
  /** Makes the call, with what was entered; `even` when the refusal of `unless` is to be passed over. */
  call: (given: FormData, even: boolean) => Promise<T>;
  /** A refusal that can be passed over, and what that means. */
  unless?: { reason: string; sentence: string };
  onDone: (answer: T) => void;
  onClose: () => void;
  /** The fields; they have names, and are told what was refused. */
  children?: (failure: Failure | null) => ComponentChildren;
}

export function Ask<T>({ title, lead, submit, isDangerous = false, call, unless, onDone, onClose, children }: Props<T>) {
  const failure = useSignal<Failure | null>(null);
  const even = useSignal(false);
  const busy = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector<HTMLElement>("[name]")?.focus(), []);
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value || !form.current) return;
    const given = new FormData(form.current);
    busy.value = true;
    const { answer, failure: refused } = await attempt(async () => ({ of: await call(given, even.value) }));
    failure.value = refused;
    busy.value = false;
    if (answer) onDone(answer.of);
  };
  const canPass = unless && (even.value || failure.value?.reason === unless.reason);
  return (
    <Dialog title={title} onClose={onClose} busy={busy.value}>
      <form ref={form} onSubmit={(event) => void send(event)}>
        {lead && <p>{lead}</p>}
        {children?.(failure.value)}
        {failure.value && <Trouble failure={failure.value} />}
        {canPass && (
          <label class="check">
            <input type="checkbox" checked={even.value} onChange={(event) => (even.value = event.currentTarget.checked)} />
            {unless.sentence}
          </label>
        )}
        <footer>
          <button class={isDangerous ? "decline main" : "main"} aria-disabled={busy.value}>
            {submit}
          </button>
          <button type="button" class="quiet" onClick={onClose}>
            {t("cancel")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
