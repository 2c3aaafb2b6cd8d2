// The form of a row that is edited.

import type { ComponentChildren } from "preact";
import type { Edit } from "./edit";
import { Form } from "./Form";
import { focusFirst } from "./Heading";
import { Stale } from "./Stale";

interface Props<R, D> {
  of: Edit<R, D>;
  submit: string;
  /** What of a row is not as it was, with what it is now. */
  differences: (was: R, now: R) => [label: string, value: string][];
  onCancel: () => void;
  children: ComponentChildren;
}

export function EditForm<R, D>({ of: { base, other, sending, send, goOn }, submit, differences, onCancel, children }: Props<R, D>) {
  const onGo = (keep: boolean) => (event: MouseEvent) => {
    focusFirst((event.currentTarget as HTMLElement).closest("form"));
    goOn(keep);
  };
  return (
    <Form of={sending} submit={submit} onSend={send} onCancel={onCancel} inPage takesFocus>
      {children}
      {other.value && base.value && <Stale changes={differences(base.value, other.value)} onKeep={onGo(true)} onTake={onGo(false)} />}
    </Form>
  );
}
