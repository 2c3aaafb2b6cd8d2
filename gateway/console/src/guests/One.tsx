// One guest: who it is, what it has asked for, and what can be done with it.

import { useSignal } from "@preact/signals";
import type { Customer } from "../generated/later/frontdesk/booking/v1/customer_service_pb";
import { useFocus } from "../parts/Heading";
import { once } from "../parts/once";
import { OnePage } from "../parts/OnePage";
import { type Row, useRow } from "../parts/row";
import { useSending } from "../parts/sending";
import { shortId } from "../properties";
import { forgetGuest, KEYS, mailTo } from "../request/guests";
import { link } from "../route";
import { may } from "../session/tenants";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { GuestForm } from "./Form";
import { ForgetKey } from "./ForgetKey";
import { byKey, service } from "./key";
import { Merge } from "./Merge";
import { RequestsOf } from "./Requests";

export function OneGuest({ id }: { id: string }) {
  const guest = useRow(async () => (await service.getCustomer({ customerId: id }, byKey())).customer);
  const doing = useSignal<"" | "edit" | "merge">("");
  /** Counts the merges, after which there are more requests. */
  const merges = useSignal(0);
  const saved = (now: Customer, sentence: string) => {
    doing.value = "";
    forgetGuest(id);
    guest.put(now, sentence);
  };
  const isOfKey = KEYS.includes(guest.failure.value?.reason ?? "");
  const merged = (now: Customer, sentence: string) => {
    merges.value += 1;
    saved(now, sentence);
  };
  const close = () => {
    doing.value = "";
    // It may be another one by now, and a merge have been refused because of it.
    void guest.load();
  };
  return (
    <div class="system">
      <OnePage of={guest} back={link({ item: "" })} all={t("guests.all")} title={({ name }) => name || t("guests.no_name")} help={isOfKey && <ForgetKey />}>
        {(found) => (
          <>
            <section class="card-wide" aria-label={t("guests.facts")}>
              {doing.value === "edit" ? (
                <GuestForm guest={found} onSaved={(now) => saved(now, t("edit.saved"))} onCancel={close} />
              ) : (
                <>
                  <Facts guest={found} />
                  {may("customers:manage") && <Acts of={guest} guest={found} onAct={(act) => (doing.value = act)} />}
                </>
              )}
            </section>
            {may("bookings:view") && <RequestsOf key={`${id} ${merges.value}`} guest={id} />}
            {doing.value === "merge" && <Merge guest={found} onClose={close} onMerged={merged} />}
          </>
        )}
      </OnePage>
    </div>
  );
}

interface ActsProps {
  of: Row<Customer>;
  guest: Customer;
  onAct: (act: "edit" | "merge") => void;
}

function Acts({ of, guest, onAct }: ActsProps) {
  // Back from the form, whose buttons are gone.
  const edit = useFocus<HTMLButtonElement>();
  const { busy, send, failure } = useSending();
  const archive = async () => {
    const input = { customerId: guest.id, etag: guest.etag };
    const now = await send(() =>
      guest.archivedAt
        ? once("unarchive", input, async (headers) => (await service.unarchiveCustomer(input, { headers })).customer)
        : once("archive", input, async (headers) => (await service.archiveCustomer(input, { headers })).customer),
    );
    const refused = failure.peek();
    if (now) of.put(now, t(now.archivedAt ? "guests.is_archived" : "guests.is_back"));
    else if (refused) await of.refuse(refused);
  };
  return (
    <div class="buttons">
      <button type="button" class="main" ref={edit} onClick={() => onAct("edit")}>
        {t("edit.edit")}
      </button>
      {!guest.archivedAt && (
        <button type="button" onClick={() => onAct("merge")}>
          {t("merge.title")}
        </button>
      )}
      {!guest.mergedInto && (
        <button type="button" class="quiet" aria-disabled={busy.value} onClick={() => void archive()}>
          {t(guest.archivedAt ? "guests.unarchive" : "guests.archive")}
        </button>
      )}
    </div>
  );
}

function Facts({ guest }: { guest: Customer }) {
  const { email, phone, notes, source, externalId, archivedAt, mergedInto, shortened } = guest;
  return (
    <>
      {archivedAt && (
        <p class="notice warn">
          {t(mergedInto ? "guests.merged_since" : "guests.archived_since", { when: timeText(archivedAt) })} {mergedInto && <a href={link({ item: mergedInto })}>{t("guests.other", { id: shortId(mergedInto) })}</a>}
        </p>
      )}
      <dl class="facts">
        <dt>{t("guest.email")}</dt>
        <dd>{email ? <a href={mailTo(email)}>{email}</a> : "–"}</dd>
        <dt>{t("guest.phone")}</dt>
        <dd>{phone || "–"}</dd>
        {notes && (
          <>
            <dt>{t("guest.notes")}</dt>
            <dd class="text">{notes}</dd>
          </>
        )}
        {(source || externalId) && (
          <>
            <dt>{t("guest.externalId")}</dt>
            <dd>{[source, externalId].filter(Boolean).join(": ")}</dd>
          </>
        )}
        <dt>{t("edit.created")}</dt>
        <dd>{timeText(guest.createdAt)}</dd>
        <dt>{t("edit.updated")}</dt>
        <dd>{timeText(guest.updatedAt)}</dd>
        <dt>{t("fact.id")}</dt>
        <dd>
          <code>{guest.id}</code>
        </dd>
      </dl>
      {shortened.length > 0 && <p class="hint">{t("edit.shortened")}</p>}
    </>
  );
}
