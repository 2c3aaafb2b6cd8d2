// A new secret for an API key; the old one goes on working for as long as is chosen.

import { useSignal } from "@preact/signals";
import type { ApiKey } from "../generated/frontdesk/identity/v1/api_key_service_pb";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { attempt } from "../parts/once";
import { Trouble } from "../parts/Trouble";
import { tenantId } from "../session/session";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import { service } from "./keyService";

const HOUR = 3600;
const OVERLAPS = { now: 0, hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR, month: 30 * 24 * HOUR } as const;
type Overlap = keyof typeof OVERLAPS;

interface Props {
  of: ApiKey;
  onRotated: (name: string, secret: string) => void;
  onClose: () => void;
}

export function RotateKey({ of, onRotated, onClose }: Props) {
  const overlap = useSignal<Overlap>("day");
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const rotate = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    const { answer, failure: refused } = await attempt(() => service.rotateApiKey({ tenantId: tenantId.value, apiKeyId: of.id, overlapSeconds: OVERLAPS[overlap.value] }));
    failure.value = refused;
    busy.value = false;
    if (answer) onRotated(of.name, answer.secret);
  };
  return (
    <Dialog title={t("keys.rotate_title")} onClose={onClose} busy={busy.value}>
      <form onSubmit={(event) => void rotate(event)}>
        <p>{t("keys.rotate_lead", { name: of.name })}</p>
        <Field label={t("keys.overlap")}>
          {(given) => (
            <select {...given} value={overlap.value} onChange={(event) => (overlap.value = event.currentTarget.value as Overlap)}>
              {(Object.keys(OVERLAPS) as Overlap[]).map((one) => (
                <option value={one}>{t(`overlap.${one}`)}</option>
              ))}
            </select>
          )}
        </Field>
        {failure.value && <Trouble failure={failure.value} />}
        <footer>
          <button class="main" aria-disabled={busy.value}>
            {t("keys.rotate_go")}
          </button>
          <button type="button" class="quiet" onClick={onClose}>
            {t("cancel")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
