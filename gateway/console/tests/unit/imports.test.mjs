// A file of guests: where it is cut, what is sent, and what is heard of its lines.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { importOf, kindOf, MOST, piecesOf, start, tenantId } = await load("guests/imports#importOf", "guests/pieces#kindOf,MOST,piecesOf", "session/session#start,tenantId");

const withMark = new TextDecoder("utf-8", { ignoreBOM: true });
const bytesOf = (text) => new TextEncoder().encode(text);
const cut = async (text, kind = kindOf(bytesOf(text))) =>
  await Promise.all([...piecesOf(bytesOf(text), kind)].map(async ({ body, before, end }) => ({ text: withMark.decode(await body.arrayBuffer()), before, end })));

test("JSON is told from CSV, whatever mark is before it", () => {
  for (const [text, kind] of [["name,external_id\n", "text/csv"], ['\ufeff {"name":"x"}\n', "application/x-ndjson"], ["\ufeffname;external_id", "text/csv"], ["", "text/csv"]]) {
    assert.equal(kindOf(bytesOf(text)), kind, text);
  }
});

test("a file is cut between its records, and each piece of CSV has the header", async () => {
  const header = "\ufeffexternal_id;name;notes\r\n";
  const record = (n) => `${n};"Guest ""${n}"";";"${"late\n".repeat(200)}"\r\n`;
  const records = Array.from({ length: 100 }, (_, n) => record(n));
  const pieces = await cut(header + records.join(""));
  assert.ok(pieces.length > 2 && pieces.every(({ text }) => text.startsWith(header) && bytesOf(text).length <= MOST + bytesOf(header).length));
  const bodies = pieces.map(({ text }) => text.slice(header.length));
  assert.equal(bodies.join(""), records.join(""));
  assert.ok(bodies.every((body) => records.some((one) => body.startsWith(one)) && body.endsWith("\r\n")));
  const lines = (text) => text.split("\n").length - 1;
  let passed = lines(header);
  for (const [at, { before }] of pieces.entries()) {
    // The first record of a piece is behind its header.
    assert.equal(lines(header) + 1 + before, passed + 1);
    passed += lines(bodies[at]);
  }
  assert.equal(pieces.at(-1).end, bytesOf(header + records.join("")).length);
});

test("a quote is one at the beginning of a value, and a record without its end is sent as it is", async () => {
  const wide = "x".repeat(MOST - 10);
  const pieces = await cut(`name,external_id\nFive" Nelly,1\nA "B",2\n${wide},3\n"open,4\n${wide}`);
  assert.deepEqual(pieces.map(({ text }) => text.split("\n")[1].slice(0, 8)), ['Five" Ne', `${wide},3`.slice(0, 8), '"open,4']);
  assert.deepEqual(await cut(""), [{ text: "", before: 0, end: 0 }]);
});

test("lines of JSON are cut at their ends", async () => {
  const line = (n) => `{"name":"${"x".repeat(1000)}","external_id":"${n}"}\n`;
  const text = Array.from({ length: 50 }, (_, n) => line(n)).join("");
  const pieces = await cut(text);
  assert.equal(pieces.map((one) => one.text).join(""), text);
  assert.ok(pieces.length > 1 && pieces.every((one) => one.text.endsWith("}\n")));
  assert.equal(pieces[1].before, pieces[0].text.split("\n").length - 1);
});

let calls;
/** What is answered to each piece: messages, in however many chunks, or a problem. */
let answers;

beforeEach(async () => {
  calls = [];
  globalThis.fetch = async () => Response.json({ access: "token", expires_in: 3600, user: { id: "x" } });
  await start();
  tenantId.value = "T";
  globalThis.fetch = async (url, { headers, body }) => {
    calls.push({ url: String(url), headers: new Headers(headers), text: await body.text() });
    const { status = 200, problem, chunks = [], after } = answers.shift();
    if (problem) return Response.json(problem, { status, headers: after ? { "retry-after": after } : {} });
    const left = [...chunks];
    return new Response(new ReadableStream({ pull: (to) => (left.length > 0 ? to.enqueue(bytesOf(left.shift())) : to.close()) }));
  };
});

const result = (line, outcome = "created") => JSON.stringify({ result: { line, outcome, customer_id: `c${line}`, external_id: String(line), reason: "", message: "" } });
const SUMMARY = `${JSON.stringify({ summary: {} })}\n`;
const file = (text) => new Blob([text]);

test("what came of each line is told by its number in the file", async () => {
  const wide = "x".repeat(20_000);
  answers = [{ chunks: [`${result(2)}\n${result(3, "refused").slice(0, 20)}`, `${result(3, "refused").slice(20)}\n`, SUMMARY] }, { chunks: [`${result(2)}\n${SUMMARY}`] }];
  const running = importOf();
  await running.run(file(`name,external_id\n${wide},1\nb,2\n${wide},3\n`), "pms");
  assert.deepEqual(running.lines.value.map(({ line, outcome }) => [line, outcome]), [[2, "created"], [3, "refused"], [4, "created"]]);
  assert.deepEqual([running.ended.value, running.share.value, running.busy.value, running.failure.value], ["whole", 1, false, null]);
  const [first] = calls;
  assert.match(first.url, /\/v1\/customers\/import\?source=pms$/);
  assert.deepEqual(["authorization", "content-type", "x-tenant-id"].map((name) => first.headers.get(name)), ["Bearer token", "text/csv", "T"]);
});

test("what breaks an import off is said beside what came of the lines before", async () => {
  const broken = [
    [{ chunks: [`${result(2)}\n`, `${JSON.stringify({ error: { code: "UPSTREAM_UNAVAILABLE", request_id: "r" } })}\n`] }, "UPSTREAM_UNAVAILABLE", 1],
    [{ chunks: [`${result(2)}\n`] }, "NETWORK", 1],
    [{ status: 403, problem: { code: "VIEW_ONLY", request_id: "r" } }, "VIEW_ONLY", 0],
  ];
  for (const [answer, reason, lines] of broken) {
    answers = [answer];
    const running = importOf();
    await running.run(file("name,external_id\na,1\n"), "");
    assert.deepEqual([running.ended.value, running.failure.value.reason, running.lines.value.length], ["broken", reason, lines]);
    assert.ok(calls.at(-1).url.endsWith("/import"));
  }
});

test("a piece that there was no room for is sent again", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  answers = [{ status: 503, problem: { code: "OVERLOADED" }, after: "15" }, { chunks: [`${result(2)}\n${SUMMARY}`] }];
  const running = importOf();
  const run = running.run(file("name,external_id\na,1\n"), "");
  while (calls.length < 1) await new Promise(setImmediate);
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
  context.mock.timers.tick(15_000);
  await run;
  assert.deepEqual([running.ended.value, calls.length, calls[0].text], ["whole", 2, calls[1].text]);
});

test("an import is stopped between its pieces, and begun once at a time", async () => {
  const wide = "x".repeat(30_000);
  answers = [{ chunks: [`${result(2)}\n${SUMMARY}`] }, { chunks: [`${result(2)}\n${SUMMARY}`] }];
  const running = importOf();
  const run = running.run(file(`name,external_id\n${wide},1\n${wide},2\n`), "");
  await running.run(file("name,external_id\n"), "");
  running.stop();
  await run;
  assert.deepEqual([running.ended.value, running.lines.value.length <= 1, calls.length <= 1], ["stopped", true, true]);
});
