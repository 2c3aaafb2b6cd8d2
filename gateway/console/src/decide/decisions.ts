// Approving, declining and reviewing: what is under way, what came of it, what failed.
// Each is made for the version that is on the screen (its etag), and settles on the reply.

import { type Signal, signal } from "@preact/signals";
import { ApproveOutcome, ApproveEvidence } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { type BookingRequest, DeclineReason } from "../generated/frontdesk/booking/v1/booking_request_pb";
import * as list from "../inbox/list";
import { readSoon } from "../live";
import { leaves, onLeave } from "../session/session";
import { requests } from "../wire/calls";
import type { Failure } from "../wire/failure";
import { keyOf, settled, thrownOut } from "./intents";
import { type Action, under } from "./under";

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
  request: BookingRequest;
  failure: Failure;
}

/** What goes with an approval, by a key as well as by the button. */
export interface Draft {
  note: Signal<string>;
  override: Signal<boolean>;
}

/** What goes with a decline. */
export type DeclineDraft = { [Name in keyof Reasons]: Signal<Reasons[Name]> };

const drafts = new Map<string, Draft>();
const declineDrafts = new Map<string, DeclineDraft>();

export function draftOf(id: string): Draft {
  const draft = drafts.get(id) ?? { note: signal(""), override: signal(false) };
  drafts.set(id, draft);
  return draft;
}

export function newDecline(): DeclineDraft {
  return { declineReason: signal(""), reasonCode: signal(DeclineReason.UNSPECIFIED), guestMessage: signal(""), internalNote: signal("") };
}

/** What was written to decline a request, until it is decided. */
export function declineDraftOf(id: string): DeclineDraft {
  const draft = declineDrafts.get(id) ?? newDecline();
  declineDrafts.set(id, draft);
  return draft;
}

/**
 * How a decision ended. `busy`: not at all, while another one about the same request is under
 * way. `left`: the page is at another tenant by now.
 */
export type Outcome = Failure | "busy" | "left" | null;

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
  const at = list.ask();
  try {
    const { bookingRequest } = await requests.getBookingRequest({ bookingRequestId: id });
    if (bookingRequest) list.show(bookingRequest, at);
    return bookingRequest ?? null;
  } catch {
    return null;
  }
}

type Input = { bookingRequestId: string; etag: string } & Record<string, unknown>;
/** What the reply says of the request, and how an earlier approval was recognised. */
type Said = { is: Partial<BookingRequest>; evidence: string; healed: boolean };

async function decide(action: Action, request: BookingRequest, input: Input, call: (headers: HeadersInit) => Promise<Said>): Promise<Outcome> {
  if (under.value.has(request.id)) return "busy";
  under.value = withEntry(under.value, request.id, action);
  failed.value = withEntry(failed.value, request.id, null);
  const of = leaves;
  let failure: Failure | null = null;
  try {
    const { is, evidence, healed } = await call({ "idempotency-key": keyOf(action, input) });
    settled(action, input, "");
    drafts.delete(request.id);
    if (action !== "review") declineDrafts.delete(request.id);
    // Of a request that is decided the reply says enough; one that is still open needs its new version.
    const now = (action === "review" && (await reread(request.id))) || { ...request, ...is };
    if (of !== leaves) return "left";
    list.show(now);
    if (action !== "review") readSoon(request.id);
    done.value = [{ action, request: now, evidence, healed, at: Date.now() }, ...done.value].slice(0, KEPT);
    list.count();
  } catch (thrown) {
    failure = thrownOut(action, input, thrown);
    // It may be another one now, and what is wrong is seen on that.
    const isRead = await reread(request.id);
    if (of !== leaves) return "left";
    if (!isRead) readSoon(request.id);
    failed.value = withEntry(failed.value, request.id, { action, request, failure });
  } finally {
    under.value = withEntry(under.value, request.id, null);
  }
  return failure;
}

onLeave(() => {
  done.value = [];
  failed.value = new Map();
  drafts.clear();
  declineDrafts.clear();
});

export function forgetFailure(id: string): void {
  failed.value = withEntry(failed.value, id, null);
}

export function approve(request: BookingRequest, internalNote: string, overrideRules: boolean): Promise<Outcome> {
  const input = { bookingRequestId: request.id, etag: request.etag, internalNote, overrideRules };
  return decide("approve", request, input, async (headers) => {
    const { outcome, evidence, status, fulfilment } = await requests.approveBookingRequest(input, { headers });
    return { is: { status, ...(fulfilment && { fulfilment }) }, evidence: outcome === ApproveOutcome.APPROVED ? "" : (ApproveEvidence[evidence] ?? ""), healed: outcome === ApproveOutcome.HEALED };
  });
}

export interface Reasons {
  declineReason: string;
  reasonCode: DeclineReason;
  guestMessage: string;
  internalNote: string;
}

export function decline(request: BookingRequest, reasons: Reasons): Promise<Outcome> {
  const input = { bookingRequestId: request.id, etag: request.etag, ...reasons };
  return decide("decline", request, input, async (headers) => {
    const { status } = await requests.declineBookingRequest(input, { headers });
    return { is: { status, declineReason: reasons.declineReason }, evidence: "", healed: false };
  });
}

export function startReview(request: BookingRequest): Promise<Outcome> {
  const input = { bookingRequestId: request.id, etag: request.etag };
  return decide("review", request, input, async (headers) => {
    const { status } = await requests.startReview(input, { headers });
    return { is: { status }, evidence: "", healed: false };
  });
}
