// What other clients do, for a component that shows it.

import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { BookingRequestEvent } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { happened } from "../live";

/** Hears of what happens from now on. */
export function useHappened(hear: (event: BookingRequestEvent) => void): void {
  const last = useRef(happened.peek());
  useSignalEffect(() => {
    const event = happened.value;
    if (event && event !== last.current) hear(event);
    last.current = event;
  });
}
