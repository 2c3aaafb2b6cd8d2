// The guests that are listed: pages of a search, by the key that was entered.

import { batch, signal } from "@preact/signals";
import { pagesOf } from "../parts/pages";
import { onLeave } from "../session/session";
import { byKey, service } from "./key";

/** Requests of one list, of which there are several: that of the page, and that of a dialog. */
export function listOf(pageSize: number) {
  const search = signal("");
  const archived = signal(false);
  const pages = pagesOf(async (pageToken) => {
    const { customers, nextPageToken, leftOut } = await service.listCustomers({ pageSize, pageToken, search: search.peek().trim(), archived: archived.peek() }, byKey());
    return { rows: customers, next: nextPageToken, leftOut };
  });

  let soon: ReturnType<typeof setTimeout> | undefined;
  /** Searches when nothing was typed for a moment. */
  function type(text: string): void {
    search.value = text;
    pages.hold();
    clearTimeout(soon);
    soon = setTimeout(() => void pages.load(), 250);
  }

  function forget(): void {
    clearTimeout(soon);
    batch(() => {
      pages.forget();
      search.value = "";
      archived.value = false;
    });
  }

  return { ...pages, search, archived, type, forget };
}

/** That of the page, which is as it was when somebody comes back to it. */
export const all = listOf(50);

onLeave(all.forget);
