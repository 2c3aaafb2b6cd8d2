// One call for an intent: asked for again after a reply that was lost, it is the same to the
// server.

import { keyOf, settled, thrownOut } from "../decide/intents";
import { type Failure, failureOf } from "../wire/failure";
import { type Fault, faultText } from "./fault";

export type Result<T> = { answer: T; failure: null } | { answer: null; failure: Failure };

export async function once<T>(method: string, input: object, call: (headers: HeadersInit) => Promise<T>): Promise<Result<T>> {
  try {
    const answer = await call({ "idempotency-key": keyOf(method, input) });
    settled(method, input, "");
    return { answer, failure: null };
  } catch (thrown) {
    return { answer: null, failure: thrownOut(method, input, thrown) };
  }
}

/** A call that has no key: whoever repeats it sees that it was done. */
export async function attempt<T>(call: () => Promise<T>): Promise<Result<T>> {
  try {
    return { answer: await call(), failure: null };
  } catch (thrown) {
    return { answer: null, failure: failureOf(thrown) };
  }
}

/** What the server says of a field, by its name in the API, or of an entry of it. */
export function faultOf(failure: Failure | null, field: string): Fault {
  return faultText(failure?.violations.find((one) => one.field === field || one.field.startsWith(`${field}[`))?.description ?? "");
}
