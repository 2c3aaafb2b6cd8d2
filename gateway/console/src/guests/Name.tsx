// Who a guest is, as people tell guests from each other.

import type { Customer } from "../generated/later/frontdesk/booking/v1/customer_service_pb";
import { t } from "../text/text";

export function GuestName({ guest: { name, email, phone } }: { guest: Customer }) {
  return (
    <>
      <strong>{name || t("guests.no_name")}</strong> <span class="hint">{[email, phone].filter(Boolean).join(" · ")}</span>
    </>
  );
}
