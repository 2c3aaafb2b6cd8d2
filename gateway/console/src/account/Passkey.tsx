// A new passkey: its name, then what the browser makes.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { FactorKind } from "../generated/frontdesk/identity/v1/factor_pb";
import { FactorService } from "../generated/frontdesk/identity/v1/factor_service_pb";
import { Field } from "../parts/Field";
import { Trouble } from "../parts/Trouble";
import { makePasskey } from "../session/passkey";
import { t } from "../text/text";
import { clientOf } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

const service = clientOf(FactorService);

async function add(name: string): Promise<Failure | null> {
  let factorId = "";
  try {
    factorId = (await service.enrolFactor({ kind: FactorKind.PASSKEY, name })).factor?.id ?? "";
    const { options } = await service.challengeFactor({ factorId });
    const failure = await makePasskey(factorId, options);
    // Its name is free again; else identity forgets it after ten minutes.
    if (failure) await service.removeFactor({ factorId });
    return failure;
  } catch (thrown) {
    const failure = failureOf(thrown);
    return failure.reason === "ALREADY_EXISTS" ? { ...failure, reason: "FACTOR_NAME_TAKEN" } : failure;
  }
}

export function NewPasskey({ onDone }: { onDone: (made: boolean) => void }) {
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const name = String(new FormData(event.currentTarget as HTMLFormElement).get("name")).trim();
    busy.value = true;
    failure.value = null;
    failure.value = await add(name);
    busy.value = false;
    if (!failure.value) onDone(true);
  };
  return (
    <form onSubmit={(event) => void send(event)}>
      <Field label={t("passkey.name")} hint={t("passkey.name_hint")}>
        {(given) => <input {...given} ref={input} name="name" autocomplete="off" maxLength={100} required />}
      </Field>
      {failure.value && <Trouble failure={failure.value} />}
      <footer>
        <button class="main" aria-disabled={busy.value}>
          {t("passkey.make")}
        </button>
        <button type="button" class="quiet" disabled={busy.value} onClick={() => onDone(false)}>
          {t("cancel")}
        </button>
      </footer>
    </form>
  );
}
