// Confirms an address by the link of a letter; not before somebody says so, since programs
// that read mail follow links, too.

import { useSignal } from "@preact/signals";
import { t } from "../text/text";
import { ask, busy, forgetToken, linkToken } from "./ask";
import { Finished } from "./Finished";

export function ConfirmEmail() {
  const confirmed = useSignal("");
  const confirm = async () => {
    const answer = await ask<{ email: string }>("v1/auth/email/confirm", { token: linkToken() });
    if (!answer) return;
    forgetToken();
    confirmed.value = answer.email;
  };
  return (
    <>
      <h1>{t("confirm.title")}</h1>
      {confirmed.value ? (
        <Finished>{t("confirm.done", { email: confirmed.value })}</Finished>
      ) : (
        <>
          <p>{t("confirm.lead")}</p>
          <button type="button" class="main" aria-disabled={busy.value} onClick={() => void confirm()}>
            {t("confirm.go")}
          </button>
        </>
      )}
    </>
  );
}
