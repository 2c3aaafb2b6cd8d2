// What is opened and made in the calendar: a booking, a block, a request.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { BookingService } from "../generated/frontdesk/booking/v1/booking_service_pb";
import { type Booking, BookingStatus } from "../generated/frontdesk/booking/v1/booking_pb";
import { OccupancyKind } from "../generated/frontdesk/booking/v1/property_service_pb";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { useSending } from "../parts/sending";
import { Trouble } from "../parts/Trouble";
import { propertyName } from "../properties";
import { link, NO_FILTERS } from "../route";
import { may } from "../session/tenants";
import { dateOf } from "../text/days";
import { nightsText, stayText } from "../text/format";
import { t, word } from "../text/text";
import { clientOf, properties } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";
import { GuestField, GuestFinder } from "./GuestFinder";
import { NewRequest } from "./NewRequest";
import { once } from "./once";
import { begun, choice, making, opened } from "./place";

const bookings = clientOf(BookingService);

export function Dialogs() {
  if (making.value === "request") return <NewRequest />;
  if (making.value) return <Making key={making.value} what={making.value} />;
  return opened.value ? <Opened key={opened.value.occupancy.sourceId} /> : null;
}

const close = () => {
  making.value = "";
};

function Making({ what }: { what: "block" | "booking" }) {
  // What was chosen when it was asked for.
  const chosen = useRef(choice()).current;
  const sending = useSending();
  const guestId = useSignal("");
  if (!chosen) return null;
  const { property, name } = chosen;
  const [from, to] = [dateOf(chosen.from), dateOf(chosen.to)];
  const make = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const block = { propertyId: property, startDate: from, endDate: to, note: String(given.get("note") ?? "") };
    const booking = { propertyId: property, guestId: guestId.value.trim(), checkIn: from, checkOut: to, source: "staff", overrideRules: given.has("override") };
    const made = await sending.send<unknown>(() =>
      what === "block"
        ? once("block", block, property, (headers) => properties.blockProperty(block, { headers }))
        : once("book", booking, property, (headers) => bookings.createBooking(booking, { headers })),
    );
    if (!made) return;
    begun.value = null;
    close();
  };
  return (
    <Dialog title={t(`${what}.title`)} onClose={close} busy={sending.busy.value}>
      <p>{t("calendar.chosen", { name, stay: stayText(from, to), nights: nightsText(from, to) })}</p>
      {what === "booking" && <p>{t("booking.about")}</p>}
      {what === "booking" && may("conversations:view") && <GuestFinder onChoose={(id) => (guestId.value = id)} />}
      <Form of={sending} submit={t(`${what}.make`)} onSend={make} onCancel={close}>
        {what === "block" ? (
          <Field label={t("block.note")}>{(given) => <input {...given} name="note" maxLength={4000} />}</Field>
        ) : (
          <>
            <GuestField id={guestId} hint={t("booking.guest_hint")} failure={sending.failure.value} />
            <label class="check">
              <input type="checkbox" name="override" />
              {t("booking.override")}
            </label>
          </>
        )}
      </Form>
    </Dialog>
  );
}

function Opened() {
  const now = useRef(opened.value).current;
  const done = () => {
    opened.value = null;
  };
  if (!now) return null;
  const { property, occupancy } = now;
  const values = { name: propertyName(property), stay: stayText(occupancy.startDate, occupancy.endDate) };
  const kind = (OccupancyKind[occupancy.kind] ?? "").toLowerCase();
  return (
    <Dialog title={word("occupancy", kind)} onClose={done}>
      <p>
        {t("booking.shown", values)} ({nightsText(occupancy.startDate, occupancy.endDate)})
      </p>
      {occupancy.kind === OccupancyKind.BLOCK && may("properties:manage") && <EndBlock property={property} id={occupancy.sourceId} onDone={done} />}
      {(occupancy.kind === OccupancyKind.REQUEST || occupancy.kind === OccupancyKind.HOLD) && <ToRequest id={occupancy.sourceId} />}
      {occupancy.kind === OccupancyKind.BOOKING && may("bookings:view") && <BookingFacts id={occupancy.sourceId} />}
    </Dialog>
  );
}

function ToRequest({ id }: { id: string }) {
  return (
    <p>
      <a class="button main" href={link({ page: "requests", request: id, filters: { ...NO_FILTERS, status: "all" } })} onClick={() => (opened.value = null)}>
        {t("booking.request")}
      </a>
    </p>
  );
}

function EndBlock({ property, id, onDone }: { property: string; id: string; onDone: () => void }) {
  const sending = useSending();
  const end = async () => {
    const input = { propertyId: property, blockId: id };
    if (await sending.send(() => once("unblock", input, property, (headers) => properties.unblockProperty(input, { headers })))) onDone();
  };
  return <Form of={sending} submit={t("block.end")} onSend={end} />;
}

function BookingFacts({ id }: { id: string }) {
  const booking = useSignal<Booking | null>(null);
  const failure = useSignal<Failure | null>(null);
  useEffect(() => {
    bookings.getBooking({ bookingId: id }).then(
      (answer) => (booking.value = answer.booking ?? null),
      (thrown: unknown) => (failure.value = failureOf(thrown)),
    );
  }, [id]);
  const found = booking.value;
  if (failure.value) return <Trouble failure={failure.value} />;
  return (
    <>
      <p aria-busy={!found}>{found && word("booking", (BookingStatus[found.status] ?? "").toLowerCase())}</p>
      {found?.bookingRequestId && <ToRequest id={found.bookingRequestId} />}
    </>
  );
}
