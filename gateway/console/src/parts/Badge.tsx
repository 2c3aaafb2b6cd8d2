// The status of a request, in words and colour, and whether all of its nights are covered.

import { type BookingRequest, StayCoverage } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { statusOf } from "../inbox/list";
import { word } from "../text/text";

export function StatusBadge({ request }: { request: BookingRequest }) {
  const status = statusOf(request);
  return (
    <span class="badge" data-status={status}>
      {status === "unknown" && request.unknownStatus ? `${word("status", status)} (${request.unknownStatus})` : word("status", status)}
    </span>
  );
}

/** Whether a confirmed request has nights that no booking covers. */
export function isPartly({ fulfilment }: BookingRequest): boolean {
  return fulfilment?.coverage === StayCoverage.PARTIAL || fulfilment?.coverage === StayCoverage.NONE;
}
