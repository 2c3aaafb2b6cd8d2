// Two guests who are one person: the other one is looked for, what happens is said, and
// somebody says that it is meant.

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo } from "preact/hooks";
import type { Customer } from "../generated/later/frontdesk/booking/v1/customer_service_pb";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { useFirst } from "../parts/Heading";
import { once } from "../parts/once";
import { Rows, Unread } from "../parts/Rows";
import { type Sending, useSending } from "../parts/sending";
import { shortId } from "../properties";
import { t, word } from "../text/text";
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
  const sending = useSending();
  const chosen = duplicate.value;
  const merge = async () => {
    if (!chosen) return;
    const input = { customerId: guest.id, duplicateId: chosen.id, etag: guest.etag };
    const answer = await sending.send(() => once("merge", input, (headers) => service.mergeCustomers(input, { headers })));
    if (!answer?.customer) return;
    const { movedBookingRequests, movedBookings } = answer;
    onMerged(answer.customer, `${t("merge.done")} ${t("merge.requests", { n: movedBookingRequests })} ${t("merge.bookings", { n: movedBookings })}`);
  };
  const back = () => {
    sending.failure.value = null;
    duplicate.value = null;
  };
  return (
    <Dialog title={t("merge.title")} onClose={onClose} busy={sending.busy.value}>
      {chosen ? <Confirm guest={guest} duplicate={chosen} of={sending} onMerge={merge} onBack={back} /> : <Choose guest={guest} onChosen={(one) => (duplicate.value = one)} />}
    </Dialog>
  );
}

function Choose({ guest, onChosen }: { guest: Customer; onChosen: (guest: Customer) => void }) {
  const list = useMemo(() => listOf(10), []);
  const first = useFirst<HTMLInputElement>();
  // Most duplicates have the same name. It is there before anybody can type, whose text it would replace.
  useLayoutEffect(() => {
    list.type(guest.name);
    return list.forget;
  }, []);
  return (
    <>
      <p>{t("merge.lead", { name: guest.name })}</p>
      <form role="search" onSubmit={(event) => event.preventDefault()}>
        <Field label={t("guests.search")}>
          {(given) => <input {...given} {...first} type="search" maxLength={200} value={list.search.value} onInput={(event) => list.type(event.currentTarget.value)} />}
        </Field>
      </form>
      <Unread failure={list.failure.value} onAgain={list.again} />
      <Rows of={list} shown={list.rows.value.filter(({ id }) => id !== guest.id)} empty={t("inbox.nothing_found")}>
        {(one) => (
          <li key={one.id}>
            <span class="who">
              <GuestName guest={one} /> <code>…{shortId(one.id)}</code>
            </span>
            <button type="button" onClick={() => onChosen(one)} aria-label={t("merge.choose_one", { name: one.name, id: shortId(one.id) })}>
              {t("merge.choose")}
            </button>
          </li>
        )}
      </Rows>
    </>
  );
}

interface ConfirmProps {
  guest: Customer;
  duplicate: Customer;
  of: Sending;
  onMerge: () => Promise<void>;
  onBack: () => void;
}

function Confirm({ guest, duplicate, of, onMerge, onBack }: ConfirmProps) {
  const cause = of.failure.value?.metadata["cause"];
  return (
    <Form of={of} submit={t("merge.go")} onSend={onMerge} onCancel={onBack} cancel={t("merge.back")} isDangerous takesFocus because={cause && <p>{word("unmergeable", cause)}</p>}>
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
        <input type="checkbox" required />
        {t("merge.sure")}
      </label>
    </Form>
  );
}
