// The dialogs that keys and buttons open.

import { dialog } from "../inbox/cursor";
import { keysAreOn, turnKeys } from "../keys";
import { Dialog } from "../parts/Dialog";
import { t } from "../text/text";
import { DeclineDialog } from "./Decline";

export function Dialogs() {
  return dialog.value === "help" ? <Help /> : <DeclineDialog />;
}

const KEYS = ["j", "k", "a", "d", "u", "x", "/", "Esc", "?"] as const;

function Help() {
  return (
    <Dialog title={t("help.title")} onClose={() => (dialog.value = "")}>
      <dl class="keys">
        {KEYS.map((key) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(`help.${key}`)}</dd>
          </>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={keysAreOn.value} onChange={(event) => turnKeys(event.currentTarget.checked)} />
        {t("help.on")}
      </label>
    </Dialog>
  );
}
