// A call that somebody means once: asked for again, it is the same to the server.

import { keyOf, settled } from "../decide/intents";
import { type Failure, failureOf } from "../wire/failure";
import { readAgain } from "./year";

/** Makes one call for an intent, and says what failed. */
export async function once(method: string, input: object, property: string, call: (headers: HeadersInit) => Promise<unknown>): Promise<Failure | null> {
  try {
    await call({ "idempotency-key": keyOf(method, input) });
    settled(method, input, "");
    readAgain(property);
    return null;
  } catch (thrown) {
    const failure = failureOf(thrown);
    settled(method, input, failure.reason);
    readAgain(property);
    return failure;
  }
}
