// A field that takes nothing but one text, so that nobody deletes the wrong one.

import { useSignal } from "@preact/signals";
import { Field } from "./Field";

export function Confirming({ text, label }: { text: string; label: string }) {
  const isOther = useSignal(false);
  const check = (input: HTMLInputElement) => {
    isOther.value = input.value.trim() !== text;
    input.setCustomValidity(isOther.value ? label : "");
  };
  return (
    <Field label={label}>
      {(given) => <input {...given} name="confirmed" required autocomplete="off" spellcheck={false} onInput={(event) => check(event.currentTarget)} />}
    </Field>
  );
}
