// The tenant's properties, which are few: their names stand beside each request.

import { batch, signal } from "@preact/signals";
import type { Property } from "./generated/frontdesk/booking/v1/property_service_pb";
import { onLeave } from "./session/session";
import { may } from "./session/tenants";
import { properties as service } from "./wire/calls";
import { type Failure, failureOf } from "./wire/failure";

export const properties = signal<Map<string, Property>>(new Map());
/** Whether all of them have come; unset while they are on their way. */
export const areKnown = signal<boolean | undefined>(undefined);
/** Why they could not be read. */
export const unread = signal<Failure | null>(null);

let turn = 0;

/** Loads them for who may see them, or to be told why not. */
export async function loadProperties(isTold = may("properties:view")): Promise<void> {
  if (!isTold) return;
  const mine = ++turn;
  const found = new Map<string, Property>();
  let pageToken = "";
  batch(() => {
    areKnown.value ||= undefined;
    unread.value = null;
  });
  try {
    do {
      const page = await service.listProperties({ pageSize: 200, pageToken });
      for (const property of page.properties) found.set(property.id, property);
      pageToken = page.nextPageToken;
    } while (pageToken && mine === turn);
  } catch (thrown) {
    // Requests are shown with the ids of their properties, or the names of before.
    if (mine !== turn) return;
    batch(() => {
      areKnown.value = false;
      unread.value = failureOf(thrown);
    });
    return;
  }
  if (mine !== turn) return;
  properties.value = found;
  areKnown.value = true;
}

export function propertyName(id: string): string {
  return properties.value.get(id)?.name ?? shortId(id);
}

/** The end of an id, by which people tell it from others. */
export function shortId(id: string): string {
  return id.slice(-6);
}

onLeave(() => {
  turn++;
  properties.value = new Map();
  areKnown.value = undefined;
  unread.value = null;
});
