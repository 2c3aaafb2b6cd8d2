// Approving, declining and reviewing: what is under way, what came of it, what failed.
// Each is made for the version that is on the screen (its etag), and settles on the reply.

import { signal } from "@preact/signals";
import { ApproveOutcome, ApproveEvidence } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import type { BookingRequest, DeclineReason } from "../generated/frontdesk/booking/v1/booking_request_pb";
import * as list from "../inbox/list";
import { requests } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";
import { keyOf, settled } from "./intents";

export type Action = "approve" | "decline" | "review";

export interface Done {
  action: Action;
  request: BookingRequest;
  /** How an earlier approval was recognised; empty for what was done now. */
  evidence: string;
  /** Whether the row was put right by this. */
  healed: boolean;
  at: number;
}

export interface Failed {
  action: Action;
  failure: Failure;
}

export const under = signal<ReadonlyMap<string, Action>>(new Map());
/** The latest first. */
export const done = signal<readonly Done[]>([]);
export const failed = signal<ReadonlyMap<string, Failed>>(new Map());

const KEPT = 20;

function withEntry<V>(map: ReadonlyMap<string, V>, id: string, value: V | null): ReadonlyMap<string, V> {
  const next = new Map(map);
  if (value === null) next.delete(id);
  else next.set(id, value);
  return next;
}

/** The request as it is now, in its row. */
export async function reread(id: string): Promise<BookingRequest | null> {
  try {
    const { bookingRequest } = await requests.getBookingRequest({ bookingRequestId: id });
    if (bookingRequest) list.show(bookingRequest);
    return bookingRequest ?? null;
  } catch {
    return null;
  }
}

type Input = { bookingRequestId: string; etag: string } & Record<string, unknown>;
type Said = { evidence: string; healed: boolean };

async function decide(action: Action, request: BookingRequest, input: Input, call: (headers: HeadersInit) => Promise<Said>): Promise<Failure | null> {
  if (under.value.has(request.id)) return null;
  under.value = withEntry(under.value, request.id, action);
  failed.value = withEntry(failed.value, request.id, null);
  let failure: Failure | null = null;
  try {
    const said = await call({ "idempotency-key": keyOf(action, input) });
    settled(action, input, "");
    const now = (await reread(request.id)) ?? request;
    done.value = [{ action, request: now, ...said, at: Date.now() }, ...done.value].slice(0, KEPT);
    list.count();
  } catch (thrown) {
    failure = failureOf(thrown);
    settled(action, input, failure.reason);
    // It may be another one now, and what is wrong is seen on that.
    await reread(request.id);
    failed.value = withEntry(failed.value, request.id, { action, failure });
  } finally {
    under.value = withEntry(under.value, request.id, null);
  }
  return failure;
}

export function forgetFailure(id: string): void {
  failed.value = withEntry(failed.value, id, null);
}

const NOTHING: Said = { evidence: "", healed: false };

export function approve(request: BookingRequest, internalNote: string, overrideRules: boolean): Promise<Failure | null> {
  const input = { bookingRequestId: request.id, etag: request.etag, internalNote, overrideRules };
  return decide("approve", request, input, async (headers) => {
    const { outcome, evidence } = await requests.approveBookingRequest(input, { headers });
    return { evidence: outcome === ApproveOutcome.APPROVED ? "" : (ApproveEvidence[evidence] ?? ""), healed: outcome === ApproveOutcome.HEALED };
  });
}

export interface Reasons {
  declineReason: string;
  reasonCode: DeclineReason;
  guestMessage: string;
  internalNote: string;
}

export function decline(request: BookingRequest, reasons: Reasons): Promise<Failure | null> {
  const input = { bookingRequestId: request.id, etag: request.etag, ...reasons };
  return decide("decline", request, input, async (headers) => {
    await requests.declineBookingRequest(input, { headers });
    return NOTHING;
  });
}

export function startReview(request: BookingRequest): Promise<Failure | null> {
  const input = { bookingRequestId: request.id, etag: request.etag };
  return decide("review", request, input, async (headers) => {
    await requests.startReview(input, { headers });
    return NOTHING;
  });
}

export function isOpen(request: BookingRequest): boolean {
  return ["requested", "under_review"].includes(list.statusOf(request));
}
