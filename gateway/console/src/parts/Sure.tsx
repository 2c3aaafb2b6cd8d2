// Asks before what cannot be taken back.

import { useSignal } from "@preact/signals";
import { t } from "../text/text";
import { Dialog } from "./Dialog";

interface Props {
  title: string;
  /** What comes of it. */
  lead: string;
  onGo: () => Promise<unknown>;
  onClose: () => void;
}

export function Sure({ title, lead, onGo, onClose }: Props) {
  const busy = useSignal(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    await onGo();
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose} busy={busy.value}>
      <form onSubmit={(event) => void send(event)}>
        <p>{lead}</p>
        <footer>
          <button class="decline main" aria-disabled={busy.value}>
            {title}
          </button>
          <button type="button" class="quiet" disabled={busy.value} onClick={onClose}>
            {t("cancel")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
