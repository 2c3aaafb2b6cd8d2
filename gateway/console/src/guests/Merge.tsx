// Two guests who are one person: the other one is looked for, what happens is said, and
// somebody says that it is meant.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Customer } from "../generated/later/frontdesk/booking/v1/customer_service_pb";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { once } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { shortId } from "../properties";
import { t, word } from "../text/text";
import type { Failure } from "../wire/failure";
import { service } from "./key";
import { listOf } from "./list";
import { GuestName } from "./Name";

interface Props {
  /** The one that stays. */
  guest: Customer;
  onClose: () => void;
  onMerged: (guest: Customer, sentence: string) => void;
}

export function Merge({ guest, onClose, onMerged }: Props) {
  const duplicate = useSignal<Customer | null>(null);
  return (
    <Dialog title={t("merge.title")} onClose={onClose}>
      {duplicate.value ? (
        <Confirm guest={guest} duplicate={duplicate.value} onBack={() => (duplicate.value = null)} onMerged={onMerged} />
      ) : (
        <Choose guest={guest} onChosen={(one) => (duplicate.value = one)} />
      )}
    </Dialog>
  );
}

function Choose({ guest, onChosen }: { guest: Customer; onChosen: (guest: Customer) => void }) {
  const list = useRef(listOf(10)).current;
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // Most duplicates have the same name.
    list.type(guest.name);
    first.current?.focus();
    return list.forget;
  }, []);
  const others = list.found.value.filter(({ id }) => id !== guest.id);
  return (
    <>
      <p>{t("merge.lead", { name: guest.name })}</p>
      <form role="search" onSubmit={(event) => event.preventDefault()}>
        <Field label={t("guests.search")}>
          {(given) => <input {...given} ref={first} type="search" maxLength={200} value={list.search.value} onInput={(event) => list.type(event.currentTarget.value)} />}
        </Field>
      </form>
      {list.failure.value && <Trouble failure={list.failure.value} />}
      <div role="status" aria-busy={list.loading.value}>
        {others.length === 0 && !list.loading.value && <p class="empty">{t("inbox.nothing_found")}</p>}
      </div>
      <ul class="people">
        {others.map((one) => (
          <li key={one.id}>
            <span class="who">
              <GuestName guest={one} /> <code>…{shortId(one.id)}</code>
            </span>
            <button type="button" onClick={() => onChosen(one)} aria-label={t("merge.choose_one", { name: one.name, id: shortId(one.id) })}>
              {t("merge.choose")}
            </button>
          </li>
        ))}
      </ul>
      {list.next.value && (
        <p>
          <button type="button" aria-disabled={list.loading.value} onClick={() => void list.load(list.next.value)}>
            {t("inbox.more")}
          </button>
        </p>
      )}
    </>
  );
}

interface ConfirmProps {
  guest: Customer;
  duplicate: Customer;
  onBack: () => void;
  onMerged: Props["onMerged"];
}

function Confirm({ guest, duplicate, onBack, onMerged }: ConfirmProps) {
  const sure = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => box.current?.focus(), []);
  const merge = async (event: Event) => {
    event.preventDefault();
    if (busy.value || !sure.value) return;
    busy.value = true;
    const input = { customerId: guest.id, duplicateId: duplicate.id, etag: guest.etag };
    const { answer, failure: refused } = await once("merge", input, (headers) => service.mergeCustomers(input, { headers }));
    busy.value = false;
    failure.value = refused;
    if (!answer?.customer) return;
    const { movedBookingRequests, movedBookings } = answer;
    onMerged(answer.customer, `${t("merge.done")} ${t("merge.requests", { n: movedBookingRequests })} ${t("merge.bookings", { n: movedBookings })}`);
  };
  const cause = failure.value?.metadata["cause"];
  return (
    <form onSubmit={(event) => void merge(event)}>
      <dl class="facts">
        <dt>{t("merge.stays")}</dt>
        <dd>
          <GuestName guest={guest} />
        </dd>
        <dt>{t("merge.goes")}</dt>
        <dd>
          <GuestName guest={duplicate} />
        </dd>
      </dl>
      <p>{t("merge.what", { name: guest.name, other: duplicate.name })}</p>
      <p class="warning">{t("merge.forever")}</p>
      <label class="check">
        <input ref={box} type="checkbox" required checked={sure.value} onChange={(event) => (sure.value = event.currentTarget.checked)} />
        {t("merge.sure")}
      </label>
      {failure.value && <Trouble failure={failure.value}>{cause && <p>{word("unmergeable", cause)}</p>}</Trouble>}
      <footer>
        <button class="decline main" aria-disabled={busy.value}>
          {t("merge.go")}
        </button>
        <button type="button" class="quiet" onClick={onBack}>
          {t("merge.back")}
        </button>
      </footer>
    </form>
  );
}
