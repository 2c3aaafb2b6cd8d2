// What a form sends: one thing at a time, and what was refused. A reply that comes when the
// form is gone is of nobody.

import { batch, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Failure } from "../wire/failure";
import { attempt, type Result } from "./once";

/** Neither an answer nor a refusal: what came of it is said elsewhere. */
export const UNSAID = { answer: null, failure: null };

export type Sending = ReturnType<typeof sendingOf>;

export function sendingOf() {
  const busy = signal(false);
  const failure = signal<Failure | null>(null);
  let isGone = false;

  /** Sends; `null` when it was refused, which is shown, or something else is under way. */
  async function send<T>(call: () => Promise<Result<T> | typeof UNSAID>): Promise<T | null> {
    if (busy.peek()) return null;
    batch(() => {
      busy.value = true;
      failure.value = null;
    });
    const { answer, failure: refused } = await call();
    if (isGone) return null;
    batch(() => {
      busy.value = false;
      failure.value = refused;
    });
    return answer;
  }

  return {
    busy,
    failure,
    send,
    /** Sends what has no key. */
    attempt: <T>(call: () => Promise<T>) => send(() => attempt(call)),
    leave: () => {
      isGone = true;
    },
  };
}

export function useSending(): Sending {
  const sending = useMemo(sendingOf, []);
  useEffect(() => sending.leave, []);
  return sending;
}
