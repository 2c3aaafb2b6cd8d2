// Somebody else has changed what is being edited: what is different now, and whether to go
// on from there with what was entered, or without it.

import { t } from "../text/text";

interface Props {
  /** What has another value now, with that. */
  changes: [label: string, value: string][];
  onKeep: (event: MouseEvent) => void;
  onTake: (event: MouseEvent) => void;
}

export function Stale({ changes, onKeep, onTake }: Props) {
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{t("edit.stale")}</strong> {t("edit.stale_advice")}
      </p>
      {changes.length > 0 ? (
        <ul>
          {changes.map(([label, value]) => (
            <li>{t("edit.now", { label, value: value || t("edit.nothing") })}</li>
          ))}
        </ul>
      ) : (
        <p>{t("edit.stale_same")}</p>
      )}
      <div class="buttons">
        <button type="button" onClick={onKeep}>
          {t("edit.keep")}
        </button>
        <button type="button" class="quiet" onClick={onTake}>
          {t("edit.take")}
        </button>
      </div>
    </div>
  );
}
