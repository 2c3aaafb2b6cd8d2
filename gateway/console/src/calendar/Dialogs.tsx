// What is opened and made in the calendar: a booking, a block, a request.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { BookingService } from "../generated/frontdesk/booking/v1/booking_service_pb";
import { type Booking, BookingStatus } from "../generated/frontdesk/booking/v1/booking_pb";
import { OccupancyKind } from "../generated/frontdesk/booking/v1/property_service_pb";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Trouble } from "../parts/Trouble";
import { propertyName } from "../properties";
import { link } from "../route";
import { may } from "../session/tenants";
import { dateOf } from "../text/days";
import { nightsText, stayText } from "../text/format";
import { t, word } from "../text/text";
import { clientOf, properties } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";
import { NewRequest } from "./NewRequest";
import { once } from "./once";
import { begun, choice, making, opened } from "./place";

const bookings = clientOf(BookingService);

export function Dialogs() {
  if (making.value === "request") return <NewRequest />;
  if (making.value) return <Making key={making.value} what={making.value} />;
  return opened.value ? <Opened key={opened.value.occupancy.sourceId} /> : null;
}

function Making({ what }: { what: "block" | "booking" }) {
  // What was chosen when it was asked for.
  const chosen = useRef(choice()).current;
  const note = useSignal("");
  const override = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const close = () => {
    making.value = "";
  };
  if (!chosen) return null;
  const { property, name } = chosen;
  const [from, to] = [dateOf(chosen.from), dateOf(chosen.to)];
  const make = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    const block = { propertyId: property, startDate: from, endDate: to, note: note.value };
    const booking = { propertyId: property, checkIn: from, checkOut: to, source: "staff", overrideRules: override.value };
    failure.value =
      what === "block"
        ? await once("block", block, property, (headers) => properties.blockProperty(block, { headers }))
        : await once("book", booking, property, (headers) => bookings.createBooking(booking, { headers }));
    busy.value = false;
    if (failure.value) return;
    begun.value = null;
    close();
  };
  return (
    <Dialog title={t(`${what}.title`)} onClose={close} busy={busy.value}>
      <form onSubmit={(event) => void make(event)}>
        <p>{t("calendar.chosen", { name, stay: stayText(from, to), nights: nightsText(from, to) })}</p>
        {what === "booking" && <p>{t("booking.lead")}</p>}
        {what === "block" ? (
          <Field label={t("block.note")}>{(given) => <input {...given} maxLength={4000} value={note.value} onInput={(event) => (note.value = event.currentTarget.value)} />}</Field>
        ) : (
          <label class="check">
            <input type="checkbox" checked={override.value} onChange={(event) => (override.value = event.currentTarget.checked)} />
            {t("booking.override")}
          </label>
        )}
        {failure.value && <Trouble failure={failure.value} />}
        <footer>
          <button class="main" aria-disabled={busy.value}>
            {t(`${what}.make`)}
          </button>
          <button type="button" class="quiet" onClick={close}>
            {t("cancel")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function Opened() {
  const now = useRef(opened.value).current;
  const close = () => {
    opened.value = null;
  };
  if (!now) return null;
  const { property, occupancy } = now;
  const values = { name: propertyName(property), stay: stayText(occupancy.startDate, occupancy.endDate) };
  const kind = (OccupancyKind[occupancy.kind] ?? "").toLowerCase();
  return (
    <Dialog title={word("occupancy", kind)} onClose={close}>
      <p>
        {t("booking.shown", values)} ({nightsText(occupancy.startDate, occupancy.endDate)})
      </p>
      {occupancy.kind === OccupancyKind.BLOCK && may("properties:manage") && <EndBlock property={property} id={occupancy.sourceId} onDone={close} />}
      {(occupancy.kind === OccupancyKind.REQUEST || occupancy.kind === OccupancyKind.HOLD) && <ToRequest id={occupancy.sourceId} />}
      {occupancy.kind === OccupancyKind.BOOKING && may("bookings:view") && <BookingFacts id={occupancy.sourceId} />}
    </Dialog>
  );
}

function ToRequest({ id }: { id: string }) {
  return (
    <p>
      <a class="button main" href={link({ page: "requests", request: id, filters: { status: "all" } })} onClick={() => (opened.value = null)}>
        {t("booking.request")}
      </a>
    </p>
  );
}

function EndBlock({ property, id, onDone }: { property: string; id: string; onDone: () => void }) {
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const end = async () => {
    if (busy.value) return;
    busy.value = true;
    const input = { propertyId: property, blockId: id };
    failure.value = await once("unblock", input, property, (headers) => properties.unblockProperty(input, { headers }));
    busy.value = false;
    if (!failure.value) onDone();
  };
  return (
    <>
      {failure.value && <Trouble failure={failure.value} />}
      <p>
        <button type="button" class="main" aria-disabled={busy.value} onClick={() => void end()}>
          {t("block.end")}
        </button>
      </p>
    </>
  );
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
