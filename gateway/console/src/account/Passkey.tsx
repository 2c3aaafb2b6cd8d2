// A new passkey: its name, then what the browser makes.

import { FactorKind } from "../generated/frontdesk/identity/v1/factor_pb";
import { FactorService } from "../generated/frontdesk/identity/v1/factor_service_pb";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { attempt, type Result } from "../parts/once";
import { useSending } from "../parts/sending";
import { makePasskey } from "../session/passkey";
import { t } from "../text/text";
import { clientOf } from "../wire/calls";

const service = clientOf(FactorService);

async function add(name: string): Promise<Result<true>> {
  const { answer, failure } = await attempt(async () => {
    const factorId = (await service.enrolFactor({ kind: FactorKind.PASSKEY, name })).factor?.id ?? "";
    const { options } = await service.challengeFactor({ factorId });
    const failure = await makePasskey(factorId, options);
    // Its name is free again; else identity forgets it after ten minutes.
    if (failure) await service.removeFactor({ factorId });
    return { failure };
  });
  const refused = failure ?? answer?.failure;
  if (!refused) return { answer: true, failure: null };
  return { answer: null, failure: refused.reason === "ALREADY_EXISTS" ? { ...refused, reason: "FACTOR_NAME_TAKEN" } : refused };
}

export function NewPasskey({ onDone }: { onDone: (made: boolean) => void }) {
  const sending = useSending();
  const send = async (form: HTMLFormElement) => {
    const name = String(new FormData(form).get("name")).trim();
    if (await sending.send(() => add(name))) onDone(true);
  };
  return (
    <Form of={sending} submit={t("passkey.make")} onSend={send} onCancel={() => onDone(false)} takesFocus>
      <Field label={t("passkey.name")} hint={t("passkey.name_hint")}>
        {(given) => <input {...given} name="name" autocomplete="off" maxLength={100} required />}
      </Field>
    </Form>
  );
}
