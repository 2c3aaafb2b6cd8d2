// A list that comes page by page: what has come of it, whether more is coming, what failed.
// What was asked for an earlier tenant, or for another search, is late and changes nothing.

import { batch, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { leaves } from "../session/session";
import { type Failure, failureOf } from "../wire/failure";

export interface Page<T> {
  rows: T[];
  /** Token of the next page; empty after the last one. */
  next: string;
  /** How many rows are not shown, because they hold what cannot be read. */
  leftOut?: number;
}

function nothingYet<T>() {
  return { rows: signal<T[]>([]), next: signal(""), leftOut: signal(0), loading: signal(true), failure: signal<Failure | null>(null) };
}

export type Pages<T> = ReturnType<typeof pagesOf<T>>;

export function pagesOf<T>(read: (pageToken: string) => Promise<Page<T>>) {
  const all = nothingYet<T>();
  const { rows, next, leftOut, loading, failure } = all;
  let turn = 0;
  /** The page that was asked for last. */
  let asked = "";

  /** The first page anew, or the one behind the last. */
  async function load(pageToken = ""): Promise<void> {
    const [mine, of] = [++turn, leaves];
    const settle = (what: () => void) => {
      if (mine !== turn || of !== leaves) return;
      loading.value = false;
      batch(what);
    };
    asked = pageToken;
    loading.value = true;
    failure.value = null;
    try {
      const page = await read(pageToken);
      settle(() => {
        rows.value = pageToken ? [...rows.peek(), ...page.rows] : page.rows;
        next.value = page.next;
        leftOut.value = (pageToken ? leftOut.peek() : 0) + (page.leftOut ?? 0);
      });
    } catch (thrown) {
      settle(() => (failure.value = failureOf(thrown)));
    }
  }

  /** The page behind the last, once however often it is asked for. */
  async function more(): Promise<void> {
    if (next.peek() && !loading.peek()) await load(next.peek());
  }

  /** What failed, again; from the beginning where the list does not go on. */
  async function again(): Promise<void> {
    await load(failure.peek()?.reason === "INVALID_PAGE_TOKEN" ? "" : asked);
  }

  /** Something else is asked for soon: what is under way is late. */
  function hold(): void {
    turn += 1;
    loading.value = true;
  }

  function forget(): void {
    turn += 1;
    batch(() => {
      rows.value = [];
      next.value = "";
      leftOut.value = 0;
      loading.value = true;
      failure.value = null;
    });
  }

  return { ...all, load, more, again, hold, forget };
}

/** Pages of a component, from the first on; others when what they are `of` is another. */
export function usePages<T>(read: (pageToken: string) => Promise<Page<T>>, of = ""): Pages<T> {
  const pages = useMemo(() => pagesOf(read), [of]);
  useEffect(() => {
    void pages.load();
    return pages.forget;
  }, [pages]);
  return pages;
}

/** All rows of a list that is short, one page after the other. */
export async function allOf<T>(read: (pageToken: string) => Promise<Page<T>>): Promise<Page<T>> {
  const all: Page<T> & { leftOut: number } = { rows: [], next: "", leftOut: 0 };
  do {
    const page = await read(all.next);
    all.rows.push(...page.rows);
    all.next = page.next;
    all.leftOut += page.leftOut ?? 0;
  } while (all.next);
  return all;
}
