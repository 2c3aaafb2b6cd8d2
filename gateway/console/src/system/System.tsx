// What whoever looks after the data wants to know: whether the services do their work, how
// they store, and rows that contradict each other, with exactly the choices that put them
// right.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { DiagnosticsService, type Inconsistency, InconsistencyKind, RequestHold, StorageLayout, type GetServerInfoResponse } from "../generated/frontdesk/booking/v1/diagnostics_service_pb";
import { ResolutionChoice } from "../generated/frontdesk/booking/v1/resolution_pb";
import { keyOf, settled, thrownOut } from "../decide/intents";
import { Dialog } from "../parts/Dialog";
import { Field } from "../parts/Field";
import { Trouble } from "../parts/Trouble";
import { link } from "../route";
import { t, word } from "../text/text";
import { at } from "../wire/base";
import { clientOf } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

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

function Server() {
  const info = useSignal<GetServerInfoResponse | null>(null);
  const version = useSignal("");
  const failure = useSignal<Failure | null>(null);
  useEffect(() => {
    diagnostics.getServerInfo({}).then(
      (found) => (info.value = found),
      (thrown: unknown) => (failure.value = failureOf(thrown)),
    );
    fetch(at("version"))
      .then((answer) => answer.json() as Promise<{ version: string; commit: string }>)
      .then(
        (found) => (version.value = `${found.version} (${found.commit.slice(0, 12)})`),
        () => {},
      );
  }, []);
  const found = info.value;
  return (
    <section class="card-wide" aria-labelledby="server">
      <h2 id="server">{t("system.server")}</h2>
      {failure.value && <Trouble failure={failure.value} />}
      <dl class="facts">
        <dt>{t("system.version")}</dt>
        <dd>{version.value}</dd>
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

function Contradictions() {
  const rows = useSignal<Inconsistency[]>([]);
  const next = useSignal("");
  const loading = useSignal(true);
  const failure = useSignal<Failure | null>(null);
  const meant = useSignal<Meant | null>(null);
  const said = useSignal("");
  const load = async (pageToken: string) => {
    loading.value = true;
    failure.value = null;
    try {
      const page = await diagnostics.listInconsistencies({ pageToken });
      rows.value = pageToken ? [...rows.value, ...page.inconsistencies] : page.inconsistencies;
      next.value = page.nextPageToken;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    loading.value = false;
  };
  useEffect(() => void load(""), []);
  const resolved = (what: string) => {
    said.value = what;
    meant.value = null;
    void load("");
  };
  return (
    <section class="card-wide" aria-labelledby="odd" aria-busy={loading.value}>
      <h2 id="odd">{t("system.odd")}</h2>
      <p class="hint">{t("system.odd_lead")}</p>
      <div role="status">{said.value && <p class="notice">{said.value}</p>}</div>
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void load("")}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {rows.value.length === 0 && !loading.value && !failure.value && <p class="empty">{t("system.none")}</p>}
      <ul class="odd">
        {rows.value.map((row) => (
          <Row key={`${row.kind} ${row.rowId}`} row={row} onChoose={(choice) => (meant.value = { row, choice })} />
        ))}
      </ul>
      {next.value && (
        <button type="button" aria-disabled={loading.value} onClick={() => void load(next.value)}>
          {t("inbox.more")}
        </button>
      )}
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
          <a href={link({ page: "requests", request: row.bookingRequestId, filters: { status: "all" } })}>{t("system.request")}</a>
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
            <button type="button" onClick={() => onChoose(choice)}>
              {choiceOf(choice)}
            </button>
          ))}
        </div>
      )}
    </li>
  );
}

function Resolve({ meant: { row, choice }, onClose, onDone }: { meant: Meant; onClose: () => void; onDone: (said: string) => void }) {
  const note = useSignal("");
  const override = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    const input = { rowId: row.rowId, choice, etag: row.etag, internalNote: note.value, overrideRules: override.value };
    try {
      const { resolved } = await diagnostics.resolveInconsistency(input, { headers: { "idempotency-key": keyOf("resolve", input) } });
      settled("resolve", input, "");
      onDone(resolved ? t("system.resolved", { what: choiceOf(choice) }) : t("system.as_was"));
    } catch (thrown) {
      failure.value = thrownOut("resolve", input, thrown);
    }
    busy.value = false;
  };
  return (
    <Dialog title={t("system.resolve")} onClose={onClose} busy={busy.value}>
      <form onSubmit={(event) => void send(event)}>
        <p>{nameOf(row)}</p>
        <p>
          <strong>{choiceOf(choice)}</strong>
        </p>
        {row.bookingRequestId && (
          <Field label={t("system.note")}>{(given) => <textarea {...given} rows={2} maxLength={4000} value={note.value} onInput={(event) => (note.value = event.currentTarget.value)} />}</Field>
        )}
        {choice === ResolutionChoice.CONFIRM && (
          <label class="check">
            <input type="checkbox" checked={override.value} onChange={(event) => (override.value = event.currentTarget.checked)} />
            {t("booking.override")}
          </label>
        )}
        {failure.value && <Trouble failure={failure.value} />}
        <footer>
          <button class="main" aria-disabled={busy.value}>
            {t("system.resolve")}
          </button>
          <button type="button" class="quiet" disabled={busy.value} onClick={onClose}>
            {t("cancel")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
