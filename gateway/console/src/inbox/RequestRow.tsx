// One booking request in the list.

import { useComputed } from "@preact/signals";
import { isOpen, under } from "../decide/under";
import { isPartly, StatusBadge } from "../parts/Badge";
import { propertyName } from "../properties";
import { link, route } from "../route";
import { agoText, nightsText, stayText } from "../text/format";
import { t } from "../text/text";
import { now } from "../now";
import { choose, chosen, stand } from "./cursor";
import type { Row } from "./list";

export function RequestRow({ row, canChoose }: { row: Row; canChoose: boolean }) {
  const request = row.value;
  const { id } = request;
  const isHere = useComputed(() => route.value.request === id).value;
  const isChosen = useComputed(() => chosen.value.has(id)).value;
  const isUnder = useComputed(() => under.value.has(id)).value;
  const name = propertyName(request.propertyId);
  const stay = stayText(request.checkIn, request.checkOut);
  return (
    <li class="row" data-here={isHere} data-status={request.status} data-under={isUnder}>
      {canChoose && (
        <input
          type="checkbox"
          checked={isChosen}
          disabled={!isOpen(request)}
          aria-label={t("inbox.choose", { name: `${name}, ${stay}` })}
          onChange={(event) => choose(id, event.currentTarget.checked)}
        />
      )}
      <a id={`row-${id}`} href={link({ request: id })} aria-current={isHere ? "true" : undefined} onFocus={() => stand(id)}>
        <span class="head">
          <strong>{name}</strong>
          <StatusBadge request={request} />
        </span>
        <span class="stay">
          {stay} <span class="nights">{nightsText(request.checkIn, request.checkOut)}</span>
        </span>
        <span class="rest">
          <span>{t("guests", { n: request.guestCount })}</span>
          {request.message && <span class="message">{request.message}</span>}
          <span class="ago">{agoText(request.createdAt, now.value)}</span>
        </span>
        {isPartly(request) && <span class="warning">{t("partly.short", { n: request.fulfilment?.uncovered.length ?? 0 })}</span>}
        {request.holdExpiresAt && <span class="warning">{t("hold.until", { when: agoText(request.holdExpiresAt, now.value) })}</span>}
      </a>
    </li>
  );
}
