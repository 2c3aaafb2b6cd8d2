// What a search finds in the rows that are loaded: words of property, message, notes and
// reason, and the id.

import { computed } from "@preact/signals";
import type { BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { propertyName } from "../properties";
import { route } from "../route";
import { rows } from "./list";

/** Case and accents do not matter. */
function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

export function matches(request: BookingRequest, property: string, words: string[]): boolean {
  const text = plain([property, request.id, request.message, request.internalNote, request.declineReason, request.declineMessage].join("\n"));
  return words.every((word) => text.includes(word));
}

export function wordsOf(search: string): string[] {
  return plain(search).split(/\s+/).filter(Boolean);
}

export const found = computed(() => {
  const words = wordsOf(route.value.filters.search);
  return words.length === 0 ? rows.value : rows.value.filter(({ value }) => matches(value, propertyName(value.propertyId), words));
});
