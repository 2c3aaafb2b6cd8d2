// Guests from a file, CSV or newline-delimited JSON: the file, and what came of each line.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { faultText } from "../parts/fault";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { faultOf } from "../parts/once";
import { NewPage } from "../parts/OnePage";
import { link } from "../route";
import { may } from "../session/tenants";
import { listText } from "../text/format";
import { type Key, language, reasonText, t, word } from "../text/text";
import { type Import as Running, importOf, type Line, OUTCOMES } from "./imports";

/** Results that are on the screen at once, and that come with more. */
const PAGE = 100;

export function Import() {
  const running = useMemo(importOf, []);
  // Who goes elsewhere stops it; the same file can be sent again.
  useEffect(() => running.stop, []);
  return (
    <NewPage back={link({ item: "" })} all={t("guests.all")} title={t("import.title")} isAllowed={may("customers:manage")}>
      <Choose of={running} />
      <Results of={running} />
    </NewPage>
  );
}

function Choose({ of }: { of: Running }) {
  const failure = of.failure.value;
  const send = (form: HTMLFormElement) => {
    const given = new FormData(form);
    return of.run(given.get("file") as Blob, String(given.get("source")).trim());
  };
  const stop = (
    <button type="button" class="quiet" onClick={of.stop}>
      {t("import.stop")}
    </button>
  );
  return (
    <Form of={of} submit={t("import.go")} onSend={send} inPage beside={of.busy.value && stop} advice={of.lines.value.length > 0 ? t("import.again") : undefined}>
      <p>{t("import.lead")}</p>
      <Field label={t("import.file")} hint={t("import.file_hint")} fault={faultOf(failure, "file")}>
        {(given) => <input {...given} type="file" name="file" required accept=".csv,.tsv,.txt,.ndjson,.jsonl,.json,text/csv,application/x-ndjson" />}
      </Field>
      <Field label={t("guest.source")} hint={t("import.source_hint")} fault={faultOf(failure, "source")}>
        {(given) => <input {...given} name="source" maxLength={100} autocomplete="off" />}
      </Field>
    </Form>
  );
}

/** `12 angelegt und 1 abgewiesen`. */
function sumText(lines: Line[]): string {
  const count = (outcome: string) => lines.filter((one) => one.outcome === outcome).length;
  const sums = OUTCOMES.map((outcome) => [count(outcome), word("outcome", outcome)] as const).filter(([n]) => n > 0);
  return sums.length > 0 ? listText(sums.map(([n, what]) => `${n.toLocaleString(language.value)} ${what}`)) : t("import.nothing");
}

function Results({ of: { lines, share, busy, ended } }: { of: Running }) {
  const alone = useSignal(false);
  const most = useSignal(PAGE);
  const all = lines.value;
  const wanted = alone.value ? all.filter(({ outcome }) => outcome === "refused") : all;
  return (
    <>
      {busy.value && (
        <p>
          <progress max={1} value={share.value} aria-label={t("import.progress")} /> {t("import.so_far", { n: all.length })}
        </p>
      )}
      <div role="status">{ended.value && <p class={ended.value === "whole" ? "notice" : "notice warn"}>{t(`import.${ended.value}`, { sum: sumText(all) })}</p>}</div>
      {all.length > 0 && (
        <label class="check">
          <input type="checkbox" checked={alone.value} onChange={(event) => (alone.value = event.currentTarget.checked)} />
          {t("import.alone")}
        </label>
      )}
      <ul class="people" aria-label={t("import.results")}>
        {wanted.slice(0, most.value).map((one) => (
          <Result key={one.line} of={one} />
        ))}
      </ul>
      {wanted.length > most.value && (
        <p>
          <button type="button" onClick={() => (most.value += PAGE)}>
            {t("import.more", { n: wanted.length - most.value })}
          </button>
        </p>
      )}
    </>
  );
}

function Result({ of: { line, outcome, customer_id: id, external_id: name, reason, message } }: { of: Line }) {
  return (
    <li>
      <span>{t("import.line", { n: line })}</span>
      <span class="badge" {...(outcome === "refused" && { "data-status": "declined" })}>
        {word("outcome", outcome)}
      </span>
      <span class="who">
        {id ? <a href={link({ item: id })}>{name || id}</a> : name}
        {reason && (
          <>
            {" "}
            {reasonText(reason)[0]} <Why said={message} />
          </>
        )}
      </span>
    </li>
  );
}

/** The field and what is wrong with it, where that is one of a guest; otherwise what was said. */
function Why({ said }: { said: string }) {
  const [, field = "", takes = ""] = /^Field `(\w+)`: (.+)\.$/.exec(said) ?? [];
  const label = t(`guest.${field === "external_id" ? "externalId" : field}` as Key);
  return label ? (
    <span class="hint">
      {label}: {faultText(takes)}
    </span>
  ) : (
    <span lang="en" class="hint">
      {said}
    </span>
  );
}
