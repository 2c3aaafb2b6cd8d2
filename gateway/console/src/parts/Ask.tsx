// A dialog that asks before something is done: what will happen, what is needed for it, and
// what came of it if it was refused.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Failure } from "../wire/failure";
import { Dialog } from "./Dialog";
import { Form } from "./Form";
import { useSending } from "./sending";

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
  const sending = useSending();
  const even = useSignal(false);
  const failure = sending.failure.value;
  const send = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const answer = await sending.attempt(async () => ({ of: await call(given, even.value) }));
    if (answer) onDone(answer.of);
  };
  return (
    <Dialog title={title} onClose={onClose} busy={sending.busy.value}>
      <Form of={sending} submit={submit} isDangerous={isDangerous} onSend={send} onCancel={onClose}>
        {lead && <p>{lead}</p>}
        {children?.(failure)}
        {unless && (even.value || failure?.reason === unless.reason) && (
          <label class="check">
            <input type="checkbox" checked={even.value} onChange={(event) => (even.value = event.currentTarget.checked)} />
            {unless.sentence}
          </label>
        )}
      </Form>
    </Dialog>
  );
}
