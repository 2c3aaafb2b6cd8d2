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

export interface Violation {
  field: string;
  description: string;
}

export interface Failure {
  /** The reason of the refusal, for example `BOOKING_OVERLAP`; `NETWORK` when nothing answered. */
  reason: string;
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

function failure(known: Partial<Failure>): Failure {
  return { reason: "", said: "", metadata: {}, violations: [], requestId: "", runbook: "", retryAfter: 0, ...known };
}

/** Code of a status without a reason, as reasons are written: `DEADLINE_EXCEEDED`. */
function nameOf(code: Code): string {
  return (Code[code] ?? "UNKNOWN").replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
}

export function failureOf(thrown: unknown): Failure {
  const error = ConnectError.from(thrown);
  const [info] = error.findDetails(ErrorInfoSchema);
  const [request] = error.findDetails(RequestInfoSchema);
  const requestId = request?.requestId ?? error.metadata.get("x-request-id") ?? "";
  // What never came to a server has neither.
  if (!info && !requestId) return failure({ reason: error.code === Code.Canceled ? "CANCELED" : NETWORK, said: error.rawMessage });
  return failure({
    reason: info?.reason ?? nameOf(error.code),
    said: error.rawMessage,
    metadata: info?.metadata ?? {},
    violations: error.findDetails(BadRequestSchema).flatMap((bad) => bad.fieldViolations),
    requestId,
    runbook: error.findDetails(HelpSchema)[0]?.links[0]?.url ?? "",
    retryAfter: Number(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds ?? 0),
  });
}

/** What a problem document says; `null` is an answer that is none. */
export function failureOfProblem(problem: Record<string, unknown> | null, retryAfter: string | null): Failure {
  if (!problem) return failure({ reason: NETWORK });
  const text = (name: string) => (typeof problem[name] === "string" ? (problem[name] as string) : "");
  return failure({
    reason: text("code"),
    said: text("detail"),
    metadata: (problem["metadata"] as Record<string, string> | undefined) ?? {},
    violations: (problem["violations"] as Violation[] | undefined) ?? [],
    requestId: text("request_id"),
    runbook: text("type").startsWith("http") || text("type").startsWith("/") ? text("type") : "",
    retryAfter: Number(retryAfter ?? 0),
  });
}
