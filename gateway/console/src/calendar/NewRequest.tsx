// A booking request for the nights that are chosen, for a guest who asked by telephone.

import { type Signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { faultOf } from "../parts/once";
import { type Sending, useSending } from "../parts/sending";
import { properties as known } from "../properties";
import { go, NO_FILTERS } from "../route";
import { may } from "../session/tenants";
import { dateOf } from "../text/days";
import { nightsText, stayText } from "../text/format";
import { t } from "../text/text";
import { requests } from "../wire/calls";
import { GuestField, GuestFinder } from "./GuestFinder";
import { once } from "./once";
import { begun, type Choice, choice, making } from "./place";

/** Refusals because of the nights or the persons, whose advice elsewhere is about a request that is there. */
const OF_STAY = /^(BOOKING_OVERLAP|TOO_MANY_GUESTS|STAY_|CLOSED_|ARRIVAL_|TURNOVER_)/;

const close = () => {
  making.value = "";
};

export function NewRequest() {
  // What was chosen when it was asked for.
  const chosen = useRef(choice()).current;
  const sending = useSending();
  const guestId = useSignal("");
  if (!chosen) return null;
  const [from, to] = [dateOf(chosen.from), dateOf(chosen.to)];
  return (
    <Dialog title={t("request.title")} onClose={close} busy={sending.busy.value}>
      <p>{t("calendar.chosen", { name: chosen.name, stay: stayText(from, to), nights: nightsText(from, to) })}</p>
      {may("conversations:view") && <GuestFinder onChoose={(id) => (guestId.value = id)} />}
      <Entries chosen={chosen} guestId={guestId} of={sending} />
    </Dialog>
  );
}

function Entries({ chosen, guestId, of }: { chosen: Choice; guestId: Signal<string>; of: Sending }) {
  const failure = of.failure.value;
  const most = known.value.get(chosen.property)?.maxGuests;
  const send = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const input = {
      propertyId: chosen.property,
      guestId: guestId.value.trim(),
      checkIn: dateOf(chosen.from),
      checkOut: dateOf(chosen.to),
      guestCount: Number(given.get("count")),
      message: String(given.get("message")),
    };
    const made = await of.send(() => once("request", input, chosen.property, (headers) => requests.createBookingRequest(input, { headers })));
    if (!made) return;
    begun.value = null;
    close();
    go({ page: "requests", request: made.bookingRequest?.id ?? "", filters: { ...NO_FILTERS, status: "all" } });
  };
  return (
    <Form of={of} submit={t("request.make")} onSend={send} onCancel={close} advice={OF_STAY.test(failure?.reason ?? "") ? t("request.other_stay") : undefined}>
      <GuestField id={guestId} failure={failure} />
      <Field label={t("fact.guests")} hint={most ? t("fact.most", { n: most }) : undefined} fault={faultOf(failure, "guest_count")}>
        {(given) => <input {...given} name="count" type="number" min={1} max={100} defaultValue="1" required />}
      </Field>
      <Field label={t("fact.message")} hint={t("request.message_hint")} fault={faultOf(failure, "message")}>
        {(given) => <textarea {...given} name="message" rows={2} maxLength={4000} />}
      </Field>
    </Form>
  );
}
