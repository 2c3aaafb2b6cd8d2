// The booking requests of a guest, the newest first.

import { BookingRequestOrder } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { StatusBadge } from "../parts/Badge";
import { usePages } from "../parts/pages";
import { Rows, Unread } from "../parts/Rows";
import { propertyName } from "../properties";
import { link, NO_FILTERS } from "../route";
import { nightsText, stayText } from "../text/format";
import { t } from "../text/text";
import { requests } from "../wire/calls";

export function RequestsOf({ guest }: { guest: string }) {
  const found = usePages(async (pageToken) => {
    const page = await requests.listBookingRequests({ guestId: guest, order: BookingRequestOrder.NEWEST_FIRST, pageSize: 20, pageToken });
    return { rows: page.bookingRequests, next: page.nextPageToken, leftOut: page.leftOut };
  }, guest);
  return (
    <section class="card-wide" aria-labelledby="requests-of" aria-busy={found.loading.value}>
      <h2 id="requests-of">{t("inbox.title")}</h2>
      <Unread failure={found.failure.value} onAgain={found.again} />
      <Rows of={found} empty={t("guests.no_requests")} leftOut={(n) => t("inbox.left_out", { n })}>
        {(request) => (
          <li key={request.id}>
            <a class="who" href={link({ page: "requests", request: request.id, filters: { ...NO_FILTERS, status: "all", guest } })}>
              {propertyName(request.propertyId)}, {stayText(request.checkIn, request.checkOut)} <span class="hint">{nightsText(request.checkIn, request.checkOut)}</span>
            </a>
            <StatusBadge request={request} />
          </li>
        )}
      </Rows>
    </section>
  );
}
