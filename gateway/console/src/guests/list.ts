// The guests that are listed: pages of a search, by the key that was entered.

import { batch, signal } from "@preact/signals";
import type { Customer } from "../generated/later/frontdesk/booking/v1/customer_service_pb";
import { tenantId } from "../session/session";
import { type Failure, failureOf } from "../wire/failure";
import { byKey, service } from "./key";

/** Requests of one list, of which there are several: that of the page, and that of a dialog. */
export function listOf(pageSize: number) {
  const found = signal<Customer[]>([]);
  const next = signal("");
  const leftOut = signal(0);
  const search = signal("");
  const archived = signal(false);
  const loading = signal(false);
  const failure = signal<Failure | null>(null);
  let turn = 0;

  /** The first page anew, or the one behind the last. */
  async function load(pageToken = ""): Promise<void> {
    const mine = ++turn;
    loading.value = true;
    failure.value = null;
    try {
      const page = await service.listCustomers({ pageSize, pageToken, search: search.value.trim(), archived: archived.value }, byKey());
      if (mine !== turn) return;
      batch(() => {
        found.value = pageToken ? [...found.value, ...page.customers] : page.customers;
        next.value = page.nextPageToken;
        leftOut.value = page.leftOut;
      });
    } catch (thrown) {
      if (mine === turn) failure.value = failureOf(thrown);
    }
    if (mine === turn) loading.value = false;
  }

  let soon = 0;
  /** Searches when nothing was typed for a moment. */
  function type(text: string): void {
    search.value = text;
    clearTimeout(soon);
    soon = globalThis.setTimeout(() => void load(), 250) as unknown as number;
  }

  function forget(): void {
    turn++;
    clearTimeout(soon);
    batch(() => {
      found.value = [];
      next.value = "";
      leftOut.value = 0;
      search.value = "";
      archived.value = false;
      loading.value = false;
      failure.value = null;
    });
  }

  return { found, next, leftOut, search, archived, loading, failure, load, type, forget };
}

/** That of the page, which is as it was when somebody comes back to it. */
export const all = listOf(50);

tenantId.subscribe(() => all.forget());
