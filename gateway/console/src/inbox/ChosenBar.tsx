// What can be done with the rows that are chosen.

import { t } from "../text/text";
import { chosen, chosenRequests, dialog } from "./cursor";

export function ChosenBar() {
  const n = chosenRequests().length;
  return (
    <div class="chosen" role="group" aria-label={t("chosen.label")}>
      <span>{t("chosen.count", { n })}</span>
      <button type="button" class="decline" disabled={n === 0} onClick={() => (dialog.value = "decline_many")}>
        {t("chosen.decline")}
      </button>
      <button type="button" class="quiet" onClick={() => (chosen.value = new Set())}>
        {t("chosen.none")}
      </button>
    </div>
  );
}
