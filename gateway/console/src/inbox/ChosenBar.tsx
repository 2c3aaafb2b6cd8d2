// What can be done with the rows that are chosen.

import { t } from "../text/text";
import { chosen, chosenRequests, cursor, dialog, rowElement } from "./cursor";
import { rows } from "./list";

/** Goes on from the list, since the bar is gone then. */
function none(): void {
  (rowElement(cursor.value) ?? document.getElementById("inbox"))?.focus();
  chosen.value = new Set();
}

export function ChosenBar() {
  const n = chosenRequests().length;
  const hidden = chosenRequests(rows.value).length - n;
  return (
    <div class="chosen" role="group" aria-label={t("chosen.label")}>
      <span>
        {t("chosen.count", { n })}
        {hidden > 0 && ` (${t("chosen.hidden", { n: hidden })})`}
      </span>
      <button type="button" class="decline" disabled={n === 0} onClick={() => (dialog.value = "decline_many")}>
        {t("chosen.decline")}
      </button>
      <button type="button" class="quiet" onClick={none}>
        {t("chosen.none")}
      </button>
    </div>
  );
}
