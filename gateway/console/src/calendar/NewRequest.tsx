// A booking request for the nights that are chosen, for a guest who asked by telephone.

import { type Signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Trouble } from "../parts/Trouble";
import { properties as known } from "../properties";
import { guestOf } from "../request/guests";
import { go } from "../route";
import { may } from "../session/tenants";
import { dateOf } from "../text/days";
import { nightsText, stayText } from "../text/format";
import { t } from "../text/text";
import { requests } from "../wire/calls";
import type { Failure } from "../wire/failure";
import { GuestFinder } from "./GuestFinder";
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
  const busy = useSignal(false);
  const guestId = useSignal("");
  if (!chosen) return null;
  const [from, to] = [dateOf(chosen.from), dateOf(chosen.to)];
  return (
    <Dialog title={t("request.title")} onClose={close} busy={busy.value}>
      <p>{t("calendar.chosen", { name: chosen.name, stay: stayText(from, to), nights: nightsText(from, to) })}</p>
      {may("conversations:view") && <GuestFinder onChoose={(id) => (guestId.value = id)} />}
      <Form chosen={chosen} guestId={guestId} busy={busy} />
    </Dialog>
  );
}

function Form({ chosen, guestId, busy }: { chosen: Choice; guestId: Signal<string>; busy: Signal<boolean> }) {
  const failure = useSignal<Failure | null>(null);
  const faultOf = (field: string) => failure.value?.violations.find((violation) => violation.field === field)?.description;
  const most = known.value.get(chosen.property)?.maxGuests;
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const input = {
      propertyId: chosen.property,
      guestId: guestId.value.trim(),
      checkIn: dateOf(chosen.from),
      checkOut: dateOf(chosen.to),
      guestCount: Number(given.get("count")),
      message: String(given.get("message")),
    };
    busy.value = true;
    let made = "";
    failure.value = await once("request", input, chosen.property, async (headers) => {
      made = (await requests.createBookingRequest(input, { headers })).bookingRequest?.id ?? "";
    });
    busy.value = false;
    if (failure.value) return;
    begun.value = null;
    close();
    go({ page: "requests", request: made, filters: { status: "all" } });
  };
  return (
    <form onSubmit={(event) => void send(event)}>
      <Field label={t("request.guest_id")} hint={guestOf(guestId.value.trim())?.name} fault={faultOf("guest_id")}>
        {(given) => <input {...given} autocomplete="off" required value={guestId.value} onInput={(event) => (guestId.value = event.currentTarget.value)} />}
      </Field>
      <Field label={t("fact.guests")} hint={most ? t("fact.most", { n: most }) : undefined} fault={faultOf("guest_count")}>
        {(given) => <input {...given} name="count" type="number" min={1} max={100} defaultValue="1" required />}
      </Field>
      <Field label={t("fact.message")} hint={t("request.message_hint")} fault={faultOf("message")}>
        {(given) => <textarea {...given} name="message" rows={2} maxLength={4000} />}
      </Field>
      {failure.value && <Trouble failure={failure.value} advice={OF_STAY.test(failure.value.reason) ? t("request.other_stay") : undefined} />}
      <footer>
        <button class="main" aria-disabled={busy.value}>
          {t("request.make")}
        </button>
        <button type="button" class="quiet" disabled={busy.value} onClick={close}>
          {t("cancel")}
        </button>
      </footer>
    </form>
  );
}
