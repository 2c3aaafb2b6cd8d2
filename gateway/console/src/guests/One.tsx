// One guest: who it is, what it has asked for, and what can be done with it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Customer } from "../generated/later/frontdesk/booking/v1/customer_service_pb";
import { Heading, useFocus } from "../parts/Heading";
import { once } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { shortId } from "../properties";
import { link } from "../route";
import { may } from "../session/tenants";
import { timeText } from "../text/format";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { GuestForm } from "./Form";
import { byKey, service } from "./key";
import { Merge } from "./Merge";
import { RequestsOf } from "./Requests";

export function OneGuest({ id }: { id: string }) {
  const guest = useSignal<Customer | null>(null);
  const failure = useSignal<Failure | null>(null);
  const doing = useSignal<"" | "edit" | "merge">("");
  const said = useSignal("");
  /** Counts the merges, after which there are more requests. */
  const merges = useSignal(0);
  const load = async () => {
    failure.value = null;
    try {
      guest.value = (await service.getCustomer({ customerId: id }, byKey())).customer ?? null;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
  };
  useEffect(() => void load(), [id]);
  const found = guest.value;
  const saved = (now: Customer, sentence: string) => {
    guest.value = now;
    doing.value = "";
    said.value = sentence;
  };
  const archive = async (customer: Customer) => {
    const input = { customerId: id, etag: customer.etag };
    const { answer, failure: refused } = customer.archivedAt
      ? await once("unarchive", input, (headers) => service.unarchiveCustomer(input, { headers }))
      : await once("archive", input, (headers) => service.archiveCustomer(input, { headers }));
    if (answer?.customer) saved(answer.customer, t(answer.customer.archivedAt ? "guests.is_archived" : "guests.is_back"));
    // What is refused is seen on the guest as it is now.
    if (refused) await load();
    failure.value = refused;
  };
  return (
    <div class="system">
      <p>
        <a href={link({ item: "" })}>{t("guests.all")}</a>
      </p>
      {found && <Heading>{found.name || t("guests.no_name")}</Heading>}
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load()}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {found && (
        <section class="card-wide" aria-label={t("guests.facts")}>
          {doing.value === "edit" ? (
            <GuestForm guest={found} onSaved={(now) => saved(now, t("edit.saved"))} onCancel={() => (doing.value = "")} />
          ) : (
            <>
              <Facts guest={found} />
              {may("customers:manage") && <Acts guest={found} onAct={(act) => (doing.value = act)} onArchive={() => void archive(found)} />}
            </>
          )}
        </section>
      )}
      {found && may("bookings:view") && <RequestsOf key={`${id} ${merges.value}`} guest={id} />}
      {found && doing.value === "merge" && (
        <Merge
          guest={found}
          onClose={() => {
            doing.value = "";
            // It may have been refused because the guest is another one now.
            void load();
          }}
          onMerged={(now, sentence) => {
            merges.value += 1;
            saved(now, sentence);
          }}
        />
      )}
    </div>
  );
}

function Acts({ guest, onAct, onArchive }: { guest: Customer; onAct: (act: "edit" | "merge") => void; onArchive: () => void }) {
  // Back from the form, whose buttons are gone.
  const edit = useFocus<HTMLButtonElement>();
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
        <button type="button" class="quiet" onClick={onArchive}>
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
        <dd>{email ? <a href={`mailto:${email}`}>{email}</a> : "–"}</dd>
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
