// A row as it is edited, or a new one: what was entered, beside the row as it was read. Where
// somebody else has changed it meanwhile (its etag), nothing is saved, and it is as it is now
// beside what was entered.

import { batch, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { attempt, type Result } from "./once";
import { sendingOf, UNSAID } from "./sending";

interface Given<R, D> {
  /** As it was read; unset for a new one. */
  row: R | undefined;
  draftOf: (row: R | undefined) => D;
  /** The draft with the row as it is now, apart from what was entered. */
  onto: (was: R, now: R, draft: D) => D;
  save: (was: R | undefined, draft: D) => Promise<Result<R | undefined>>;
  read: (row: R) => Promise<R | undefined>;
  onSaved: (row: R) => void;
}

export type Edit<R, D> = ReturnType<typeof editOf<R, D>>;

export function editOf<R, D>({ row, draftOf, onto, save, read, onSaved }: Given<R, D>) {
  const base = signal(row);
  const draft = signal(draftOf(row));
  /** As it is now, when it is not what was read. */
  const other = signal<R | null>(null);
  const sending = sendingOf();

  function set(changed: Partial<D>): void {
    draft.value = { ...draft.peek(), ...changed };
  }

  async function send(): Promise<void> {
    other.value = null;
    const was = base.peek();
    const saved = await sending.send<R | undefined>(async () => {
      const result = await save(was, draft.peek());
      if (!was || result.failure?.reason !== "ETAG_MISMATCH") return result;
      const now = await attempt(() => read(was));
      if (!now.answer) return { answer: null, failure: now.failure ?? result.failure };
      other.value = now.answer;
      return UNSAID;
    });
    if (saved) onSaved(saved);
  }

  /** Goes on from the row as it is now, with what was entered or without it. */
  function goOn(keep: boolean): void {
    const [was, now] = [base.peek(), other.peek()];
    if (!was || !now) return;
    batch(() => {
      draft.value = keep ? onto(was, now, draft.peek()) : draftOf(now);
      base.value = now;
      other.value = null;
    });
  }

  return { base, draft, other, sending, set, send, goOn };
}

export function useEdit<R, D>(given: Given<R, D>): Edit<R, D> {
  const edit = useMemo(() => editOf(given), []);
  useEffect(() => edit.sending.leave, []);
  return edit;
}
