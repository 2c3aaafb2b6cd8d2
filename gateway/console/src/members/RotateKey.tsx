// A new secret for an API key; the old one goes on working for as long as is chosen.

import type { ApiKey } from "../generated/frontdesk/identity/v1/api_key_service_pb";
import { Ask } from "../parts/Ask";
import { Field } from "../parts/Field";
import { tenantId } from "../session/session";
import { t } from "../text/text";
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
  const rotate = (given: FormData) => service.rotateApiKey({ tenantId: tenantId.value, apiKeyId: of.id, overlapSeconds: OVERLAPS[given.get("overlap") as Overlap] });
  return (
    <Ask
      title={t("keys.rotate_title")}
      lead={t("keys.rotate_lead", { name: of.name })}
      submit={t("keys.rotate_go")}
      call={rotate}
      onDone={({ secret }) => onRotated(of.name, secret)}
      onClose={onClose}
    >
      {() => (
        <Field label={t("keys.overlap")}>
          {(given) => (
            <select {...given} name="overlap">
              {(Object.keys(OVERLAPS) as Overlap[]).map((one) => (
                <option key={one} value={one} selected={one === "day"}>
                  {t(`overlap.${one}`)}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
    </Ask>
  );
}
