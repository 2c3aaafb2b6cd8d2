// One row that has a page of its own: as it was read last, what could not be read, and what
// was done with it.

import { batch, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type Failure, failureOf } from "../wire/failure";

export type Row<T> = ReturnType<typeof rowOf<T>>;

export function rowOf<T>(read: () => Promise<T | undefined>) {
  const now = signal<T | null>(null);
  const failure = signal<Failure | null>(null);
  const said = signal("");
  /** What was asked for before something newer is late. */
  let turn = 0;

  async function load(): Promise<void> {
    const mine = ++turn;
    failure.value = null;
    try {
      const found = await read();
      if (mine === turn) now.value = found ?? null;
    } catch (thrown) {
      if (mine === turn) failure.value = failureOf(thrown);
    }
  }

  /** Takes what a change has made of it, and says what was done. */
  function put(row: T, sentence: string): void {
    turn += 1;
    batch(() => {
      now.value = row;
      failure.value = null;
      said.value = sentence;
    });
  }

  /** Says what was refused, of the row as it is now. */
  async function refuse(refused: Failure): Promise<void> {
    said.value = "";
    await load();
    failure.value = refused;
  }

  function leave(): void {
    turn += 1;
  }

  return { now, failure, said, load, put, refuse, leave };
}

/** A row as `read` finds it; the component that has it is made anew for another row. */
export function useRow<T>(read: () => Promise<T | undefined>): Row<T> {
  const row = useMemo(() => rowOf(read), []);
  useEffect(() => {
    void row.load();
    return row.leave;
  }, []);
  return row;
}
