// The last decision of this page, and how it ended.

import { done } from "../decide/decisions";
import { propertyName } from "../properties";
import { link } from "../route";
import { stayText } from "../text/format";
import { t, word } from "../text/text";

export function Latest() {
  const [last] = done.value;
  return (
    <div role="status" class="latest">
      {last && (
        <p data-action={last.action}>
          <a href={link({ request: last.request.id })}>
            {propertyName(last.request.propertyId)}, {stayText(last.request.checkIn, last.request.checkOut)}
          </a>
          : {t(last.evidence ? (last.healed ? "done.healed" : "done.already") : `done.${last.action}`)}{" "}
          {last.evidence && <span class="evidence">{word("evidence", last.evidence)}</span>}
        </p>
      )}
    </div>
  );
}
