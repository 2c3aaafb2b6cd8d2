// What whoever looks after the data wants to know: whether the services do their work, how
// they store, and rows that contradict each other, with exactly the choices that put them
// right.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { DiagnosticsService, type Inconsistency, InconsistencyKind, RequestHold, StorageLayout, type GetServerInfoResponse } from "../generated/frontdesk/booking/v1/diagnostics_service_pb";
import { ResolutionChoice } from "../generated/frontdesk/booking/v1/resolution_pb";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { takeFocus } from "../parts/Heading";
import { once } from "../parts/once";
import { usePages } from "../parts/pages";
import { useRow } from "../parts/row";
import { Rows, Unread } from "../parts/Rows";
import { useSending } from "../parts/sending";
import { shortId } from "../properties";
import { link, NO_FILTERS } from "../route";
import { t, word } from "../text/text";
import { at } from "../wire/base";
import { clientOf } from "../wire/calls";

const diagnostics = clientOf(DiagnosticsService);
const lower = (name: string | undefined) => (name ?? "").toLowerCase();

export function System() {
  return (
    <div class="system">
      <h1>{t("system.title")}</h1>
      <Server />
      <Contradictions />
    </div>
  );
}

interface Version {
  version: string;
  commit: string;
}

/** What the gateway says of itself; empty where it says nothing. */
async function version(): Promise<string> {
  const answer = await fetch(at("version"));
  return answer.ok ? versionText((await answer.json()) as Version) : "";
}

/** The commit of a development build is words, and stays as it is. */
export function versionText({ version, commit }: Version): string {
  return `${version} (${/^[0-9a-f]{40}$/.test(commit) ? commit.slice(0, 12) : commit})`;
}

function Server() {
  const info = useRow<GetServerInfoResponse>(() => diagnostics.getServerInfo({}));
  const built = useRow(() => version().catch(() => ""));
  const found = info.now.value;
  return (
    <section class="card-wide" aria-labelledby="server">
      <h2 id="server">{t("system.server")}</h2>
      <Unread failure={info.failure.value} onAgain={info.load} />
      <dl class="facts">
        <dt>{t("system.version")}</dt>
        <dd>{built.now.value}</dd>
        {found && (
          <>
            <dt>{t("system.ready")}</dt>
            <dd>
              {t(found.ready ? "system.yes" : "system.no")}
              {found.problems.map((problem) => (
                <p lang="en">{problem}</p>
              ))}
            </dd>
            <dt>{t("system.layout")}</dt>
            <dd>{word("layout", lower(StorageLayout[found.layout]))}</dd>
            <dt>{t("system.hold")}</dt>
            <dd>{word("hold", lower(RequestHold[found.requestHold]))}</dd>
          </>
        )}
      </dl>
    </section>
  );
}

interface Meant {
  row: Inconsistency;
  choice: ResolutionChoice;
}

async function read(pageToken: string) {
  const { inconsistencies, nextPageToken } = await diagnostics.listInconsistencies({ pageToken });
  return { rows: inconsistencies, next: nextPageToken };
}

function Contradictions() {
  const rows = usePages(read);
  const meant = useSignal<Meant | null>(null);
  const said = useSignal("");
  const heading = useRef<HTMLHeadingElement>(null);
  const resolved = (what: string) => {
    said.value = what;
    meant.value = null;
    // The button that was pressed is gone.
    void rows.load().then(() => takeFocus(heading.current));
  };
  return (
    <section class="card-wide" aria-labelledby="odd" aria-busy={rows.loading.value}>
      <h2 id="odd" ref={heading} tabIndex={-1}>{t("system.odd")}</h2>
      <p class="hint">{t("system.odd_lead")}</p>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      <Unread failure={rows.failure.value} onAgain={rows.again} />
      <Rows of={rows} empty={t("system.none")} kind="odd">
        {(row) => <Row key={`${row.kind} ${row.rowId}`} row={row} onChoose={(choice) => (meant.value = { row, choice })} />}
      </Rows>
      {meant.value && <Resolve meant={meant.value} onClose={() => (meant.value = null)} onDone={resolved} />}
    </section>
  );
}

const nameOf = ({ kind }: Inconsistency) => word("inconsistency", lower(InconsistencyKind[kind]));
const choiceOf = (choice: ResolutionChoice) => word("choice", lower(ResolutionChoice[choice]));

function Row({ row, onChoose }: { row: Inconsistency; onChoose: (choice: ResolutionChoice) => void }) {
  return (
    <li>
      <p>
        <strong>{nameOf(row)}</strong> <code>{row.rowId}</code>
      </p>
      {row.bookingRequestId && (
        <p>
          <a href={link({ page: "requests", request: row.bookingRequestId, filters: { ...NO_FILTERS, status: "all" } })}>{t("system.request")}</a>
        </p>
      )}
      <details>
        <summary>{t("trouble.said")}</summary>
        <p lang="en" class="said">
          {row.remedy}
        </p>
      </details>
      {row.choices.length === 0 ? (
        <p class="hint">{t("system.no_choice")}</p>
      ) : (
        <div class="buttons">
          {row.choices.map((choice) => (
            <button key={choice} type="button" aria-label={t("system.choice_of", { choice: choiceOf(choice), id: shortId(row.rowId) })} onClick={() => onChoose(choice)}>
              {choiceOf(choice)}
            </button>
          ))}
        </div>
      )}
    </li>
  );
}

function Resolve({ meant: { row, choice }, onClose, onDone }: { meant: Meant; onClose: () => void; onDone: (said: string) => void }) {
  const sending = useSending();
  const send = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const input = { rowId: row.rowId, choice, etag: row.etag, internalNote: String(given.get("note") ?? ""), overrideRules: given.has("override") };
    const answer = await sending.send(() => once("resolve", input, (headers) => diagnostics.resolveInconsistency(input, { headers })));
    if (answer) onDone(answer.resolved ? t("system.resolved", { what: choiceOf(choice) }) : t("system.as_was"));
  };
  return (
    <Dialog title={t("system.resolve")} onClose={onClose} busy={sending.busy.value}>
      <Form of={sending} submit={t("system.resolve")} onSend={send} onCancel={onClose}>
        <p>{nameOf(row)}</p>
        <p>
          <strong>{choiceOf(choice)}</strong>
        </p>
        {row.bookingRequestId && <Field label={t("system.note")}>{(given) => <textarea {...given} name="note" rows={2} maxLength={4000} />}</Field>}
        {choice === ResolutionChoice.CONFIRM && (
          <label class="check">
            <input type="checkbox" name="override" />
            {t("booking.override")}
          </label>
        )}
      </Form>
    </Dialog>
  );
}
