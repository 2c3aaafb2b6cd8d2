// What a refused or failed call says: over gRPC-Web in the details of its status, at the
// session endpoints as `application/problem+json`.

import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  HelpSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "../generated/google/rpc/error_details_pb";
import { at } from "./base";

export interface Violation {
  field: string;
  description: string;
}

export interface Failure {
  /** The reason of the refusal, for example `BOOKING_OVERLAP`; `NETWORK` when nothing answered. */
  reason: string;
  /** Whether the server itself gave the reason, and not something before it. */
  stated: boolean;
  /** Whether asking for the same again does nothing twice. */
  once?: boolean;
  /** What the server said, in English. */
  said: string;
  metadata: Record<string, string>;
  violations: Violation[];
  /** Finds the call in the log; empty when nothing answered. */
  requestId: string;
  /** The page of the runbook; empty without one. */
  runbook: string;
  /** Seconds to wait; 0 when the server did not say. */
  retryAfter: number;
}

export const NETWORK = "NETWORK";

/** A call that failed, and why. */
export class Refused extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.reason);
    this.failure = failure;
  }
}

/** The page of a reason: where the server says, or behind this gateway, whatever path leads to it. */
function runbookOf(said: string, reason: string | undefined): string {
  return said.startsWith("http") ? said : reason ? at(`runbook/${reason}`) : "";
}

function failure(known: Partial<Failure>): Failure {
  return { reason: "", stated: false, said: "", metadata: {}, violations: [], requestId: "", runbook: "", retryAfter: 0, ...known };
}

/** Code of a status without a reason, as reasons are written: `DEADLINE_EXCEEDED`. */
function nameOf(code: Code): string {
  return (Code[code] ?? "UNKNOWN").replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
}

export function failureOf(thrown: unknown): Failure {
  const error = ConnectError.from(thrown);
  // The session's own refusal, without which there was no call.
  const cause = thrown instanceof Refused ? thrown : error.cause;
  if (cause instanceof Refused) return cause.failure;
  const [info] = error.findDetails(ErrorInfoSchema);
  const [request] = error.findDetails(RequestInfoSchema);
  const requestId = request?.requestId ?? error.metadata.get("x-request-id") ?? "";
  // What never came to a server has neither.
  if (!info && !requestId) return failure({ reason: NETWORK, said: error.rawMessage });
  return failure({
    reason: info?.reason ?? nameOf(error.code),
    stated: Boolean(info),
    said: error.rawMessage,
    metadata: info?.metadata ?? {},
    violations: error.findDetails(BadRequestSchema).flatMap((bad) => bad.fieldViolations),
    requestId,
    runbook: runbookOf(error.findDetails(HelpSchema)[0]?.links[0]?.url ?? "", info?.reason),
    retryAfter: Number(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds ?? 0),
  });
}

/** What a problem document says; `null` is an answer that is none. */
export function failureOfProblem(problem: Record<string, unknown> | null, retryAfter: string | null): Failure {
  if (!problem) return failure({ reason: NETWORK });
  const text = (name: string) => (typeof problem[name] === "string" ? (problem[name] as string) : "");
  return failure({
    reason: text("code"),
    stated: text("code") !== "",
    said: text("detail"),
    metadata: (problem["metadata"] as Record<string, string> | undefined) ?? {},
    violations: (problem["violations"] as Violation[] | undefined) ?? [],
    requestId: text("request_id"),
    runbook: runbookOf(text("type"), text("code")),
    retryAfter: Number(retryAfter ?? 0),
  });
}
