// Which requests can be decided, and which decisions are under way.

import { signal } from "@preact/signals";
import type { BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { statusOf } from "../inbox/list";

export type Action = "approve" | "decline" | "review";

/** By the ids of the requests. */
export const under = signal<ReadonlyMap<string, Action>>(new Map());

export function isOpen(request: Pick<BookingRequest, "status">): boolean {
  return ["requested", "under_review"].includes(statusOf(request));
}
