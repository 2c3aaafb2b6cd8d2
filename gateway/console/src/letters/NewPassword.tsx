// A new password, once: what is typed can be looked at.

import { useSignal } from "@preact/signals";
import { faultText } from "../parts/fault";
import { Field } from "../parts/Field";
import { t } from "../text/text";
import { busy, failure } from "./ask";

export function NewPassword({ submit, onSet }: { submit: string; onSet: (password: string) => Promise<void> }) {
  const isShown = useSignal(false);
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    void onSet(String(new FormData(event.currentTarget as HTMLFormElement).get("password")));
  };
  const fault = failure.value?.violations.find(({ field }) => field === "password")?.description;
  return (
    <form onSubmit={send}>
      <Field label={t("password.new")} hint={t("password.hint")} fault={faultText(fault ?? "")}>
        {(given) => <input {...given} name="password" {...(isShown.value ? { type: "text" } : { type: "password" })} autocomplete="new-password" minLength={8} maxLength={256} required />}
      </Field>
      <label class="check">
        <input type="checkbox" checked={isShown.value} onChange={(event) => (isShown.value = event.currentTarget.checked)} />
        {t("password.show")}
      </label>
      <button class="main" aria-disabled={busy.value}>
        {submit}
      </button>
    </form>
  );
}
