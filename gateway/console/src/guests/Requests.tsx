// The booking requests of a guest, the newest first.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { BookingRequestOrder } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { StatusBadge } from "../parts/Badge";
import { Trouble } from "../parts/Trouble";
import { propertyName } from "../properties";
import { link } from "../route";
import { nightsText, stayText } from "../text/format";
import { t } from "../text/text";
import { requests } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

export function RequestsOf({ guest }: { guest: string }) {
  const found = useSignal<BookingRequest[]>([]);
  const next = useSignal("");
  const leftOut = useSignal(0);
  const loading = useSignal(true);
  const failure = useSignal<Failure | null>(null);
  const load = async (pageToken: string) => {
    loading.value = true;
    failure.value = null;
    try {
      const page = await requests.listBookingRequests({ guestId: guest, order: BookingRequestOrder.NEWEST_FIRST, pageSize: 20, pageToken });
      found.value = pageToken ? [...found.value, ...page.bookingRequests] : page.bookingRequests;
      next.value = page.nextPageToken;
      leftOut.value += page.leftOut;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    loading.value = false;
  };
  useEffect(() => void load(""), []);
  return (
    <section class="card-wide" aria-labelledby="requests-of" aria-busy={loading.value}>
      <h2 id="requests-of">{t("inbox.title")}</h2>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load(next.value)}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {found.value.length === 0 && !loading.value && !failure.value && <p class="empty">{t("guests.no_requests")}</p>}
      <ul class="people">
        {found.value.map((request) => (
          <li key={request.id}>
            <a class="who" href={link({ page: "requests", request: request.id, filters: { status: "all", guest, property: "", from: "", to: "", search: "" } })}>
              {propertyName(request.propertyId)}, {stayText(request.checkIn, request.checkOut)} <span class="hint">{nightsText(request.checkIn, request.checkOut)}</span>
            </a>
            <StatusBadge request={request} />
          </li>
        ))}
      </ul>
      {leftOut.value > 0 && <p class="hint">{t("inbox.left_out", { n: leftOut.value })}</p>}
      {next.value && (
        <p>
          <button type="button" aria-disabled={loading.value} onClick={() => void load(next.value)}>
            {t("inbox.more")}
          </button>
        </p>
      )}
    </section>
  );
}
