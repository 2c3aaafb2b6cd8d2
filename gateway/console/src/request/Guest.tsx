// The guest of a request, as far as this page may show who that is.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Trouble } from "../parts/Trouble";
import { shortId } from "../properties";
import { link } from "../route";
import { may } from "../session/tenants";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import { apiKey, guestOf, readGuest } from "./guests";

export function Guest({ id }: { id: string }) {
  const asking = useSignal(false);
  const guest = guestOf(id);
  useEffect(() => {
    if (apiKey.value) void readGuest(id, apiKey.value);
  }, [id]);
  return (
    <>
      {guest && (
        <p>
          <strong>{guest.name}</strong>
          {guest.email && (
            <>
              {" · "}
              <a href={`mailto:${encodeURIComponent(guest.email).replace("%40", "@")}`}>{guest.email}</a>
            </>
          )}
          {guest.phone && ` · ${guest.phone}`}
        </p>
      )}
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
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const key = String(new FormData(event.currentTarget as HTMLFormElement).get("key")).trim();
    busy.value = true;
    failure.value = await readGuest(id, key);
    busy.value = false;
    if (!failure.value) onClose();
  };
  return (
    <Dialog title={t("guest.show")} onClose={onClose} busy={busy.value}>
      <form onSubmit={(event) => void send(event)}>
        <p>{t("guest.why")}</p>
        <Field label={t("guest.key")}>{(given) => <input {...given} name="key" type="password" autocomplete="off" required />}</Field>
        {failure.value && <Trouble failure={failure.value} />}
        <button class="main" aria-disabled={busy.value}>
          {t("guest.show")}
        </button>
      </form>
    </Dialog>
  );
}
