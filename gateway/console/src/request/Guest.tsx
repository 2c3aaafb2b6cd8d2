// The guest of a request, as far as this page may show who that is.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { Unread } from "../parts/Rows";
import { useSending } from "../parts/sending";
import { shortId } from "../properties";
import { link } from "../route";
import { may } from "../session/tenants";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import { apiKey, guestOf, mailTo, readGuest } from "./guests";

export function Guest({ id }: { id: string }) {
  const asking = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const guest = guestOf(id);
  const read = async () => {
    failure.value = null;
    failure.value = (await readGuest(id, apiKey.value)).failure;
  };
  useEffect(() => {
    if (apiKey.value) void read();
  }, [id]);
  return (
    <>
      {guest && (
        <p>
          <strong>{guest.name}</strong>
          {guest.email && (
            <>
              {" · "}
              <a href={mailTo(guest.email)}>{guest.email}</a>
            </>
          )}
          {guest.phone && ` · ${guest.phone}`}
        </p>
      )}
      {!guest && <Unread failure={failure.value} onAgain={read} />}
      <a href={link({ request: "", filters: { status: "all", guest: id } })}>{t("fact.of_guest", { id: shortId(id) })}</a>
      {!guest && may("conversations:view") && (
        <button type="button" class="quiet" onClick={() => (asking.value = true)}>
          {t("guest.show")}
        </button>
      )}
      {asking.value && <ForKey id={id} onClose={() => (asking.value = false)} />}
    </>
  );
}

function ForKey({ id, onClose }: { id: string; onClose: () => void }) {
  const sending = useSending();
  const send = async (form: HTMLFormElement) => {
    const key = String(new FormData(form).get("key")).trim();
    if (await sending.send(() => readGuest(id, key))) onClose();
  };
  return (
    <Dialog title={t("guest.show")} onClose={onClose} busy={sending.busy.value}>
      <Form of={sending} submit={t("guest.show")} onSend={send}>
        <p>{t("guest.why")}</p>
        <Field label={t("guest.key")}>{(given) => <input {...given} name="key" type="password" autocomplete="off" required />}</Field>
      </Form>
    </Dialog>
  );
}
