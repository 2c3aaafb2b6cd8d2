// Keys of what somebody means to do: asking for the same again, after a reply that was lost
// or by a second click, is the same to the server (`Idempotency-Key`).

import { type Failure, failureOf, NETWORK } from "../wire/failure";

const keys = new Map<string, string>();
/** After these nobody knows whether it was done. */
const OPEN = new Set([NETWORK, "DEADLINE_EXCEEDED", "IDEMPOTENCY_KEY_IN_USE", "OUTCOME_UNKNOWN", "REQUEST_TIMEOUT", "SHUTTING_DOWN", "UPSTREAM_UNAVAILABLE"]);

/** A name for an intent, by which the server knows that it is asked again. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function nameOf(method: string, input: object): string {
  return `${method} ${JSON.stringify(input)}`;
}

export function keyOf(method: string, input: object): string {
  const name = nameOf(method, input);
  const key = keys.get(name) ?? newKey();
  keys.set(name, key);
  return key;
}

/**
 * The same again is meant anew from now on, unless nobody knows how this ended: what did not
 * come from the server itself does not say.
 */
export function settled(method: string, input: object, how: Failure | string): void {
  const reason = typeof how === "string" ? how : how.stated ? how.reason : NETWORK;
  if (!OPEN.has(reason)) keys.delete(nameOf(method, input));
}

/** How an intent ended that was thrown out of its call. */
export function thrownOut(method: string, input: object, thrown: unknown): Failure {
  const failure = failureOf(thrown);
  settled(method, input, failure);
  return { ...failure, once: true };
}
