// Lists that come page by page, and pages of one row, while answers come late, twice or not at all.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { allOf, Code, ConnectError, ErrorInfoSchema, pagesOf, rowOf, tenantId } = await load(
  "parts/pages#allOf,pagesOf",
  "parts/row#rowOf",
  "session/session#tenantId",
  "generated/google/rpc/error_details_pb#ErrorInfoSchema",
  "../node_modules/@connectrpc/connect/dist/esm/index.js#Code,ConnectError",
);

const refusal = (reason) => new ConnectError(reason, Code.InvalidArgument, { "x-request-id": "r" }, [{ desc: ErrorInfoSchema, value: { reason } }]);

/** What was asked, with what settles it. */
let asked;
const read = (token) => new Promise((resolve, reject) => asked.push({ token, reject, resolve: (rows, next = "", leftOut = 0) => resolve({ rows, next, leftOut }) }));
const settle = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  asked = [];
  tenantId.value = "A";
});

async function listed(...page) {
  const list = pagesOf(read);
  void list.load();
  asked.shift().resolve(...page);
  await settle();
  return list;
}

test("pages come one behind the other, and what they leave out is counted", async () => {
  const list = await listed(["a"], "2", 1);
  assert.deepEqual([list.rows.value, list.next.value, list.leftOut.value, list.loading.value], [["a"], "2", 1, false]);
  void list.more();
  asked[0].resolve(["b"], "", 2);
  await settle();
  assert.deepEqual([asked[0].token, list.rows.value, list.next.value, list.leftOut.value], ["2", ["a", "b"], "", 3]);
  void list.load();
  asked[1].resolve(["c"]);
  await settle();
  assert.deepEqual([list.rows.value, list.leftOut.value], [["c"], 0]);
});

test("a page that is asked for twice comes once", async () => {
  const list = await listed(["a"], "2");
  void list.more();
  void list.more();
  assert.equal(asked.length, 1);
  asked[0].resolve(["b"]);
  await settle();
  void list.more();
  assert.deepEqual([asked.length, list.rows.value], [1, ["a", "b"]]);
});

test("an answer to what was asked before something newer is late", async () => {
  const list = pagesOf(read);
  void list.load();
  void list.load();
  asked[1].resolve(["new"]);
  await settle();
  asked[0].resolve(["old"]);
  await settle();
  assert.deepEqual(list.rows.value, ["new"]);
  void list.load();
  list.hold();
  asked[2].reject(new Error("no"));
  await settle();
  assert.deepEqual([list.failure.value, list.loading.value], [null, true]);
});

test("an answer to what was asked at another tenant is late", async () => {
  const list = pagesOf(read);
  void list.load();
  tenantId.value = "B";
  asked[0].resolve(["of A"]);
  await settle();
  assert.deepEqual(list.rows.value, []);
});

test("what failed is asked for again, and a list that does not go on from its beginning", async () => {
  const list = await listed(["a"], "2");
  void list.more();
  asked[0].reject(new Error("no"));
  await settle();
  assert.deepEqual([list.failure.value.reason, list.rows.value], ["NETWORK", ["a"]]);
  void list.again();
  assert.deepEqual([asked[1].token, list.failure.value], ["2", null]);
  asked[1].reject(refusal("INVALID_PAGE_TOKEN"));
  await settle();
  void list.again();
  assert.equal(asked[2].token, "");
});

test("a short list is read to its end", async () => {
  const pages = { "": { rows: [1, 2], next: "x" }, x: { rows: [3], next: "", leftOut: 4 } };
  assert.deepEqual(await allOf(async (token) => pages[token]), { rows: [1, 2, 3], next: "", leftOut: 4 });
});

test("a row is as the last answer or change has it", async () => {
  const reads = [];
  const row = rowOf(() => new Promise((resolve, reject) => reads.push({ resolve, reject })));
  void row.load();
  row.put("saved", "Saved.");
  reads[0].resolve("before");
  await settle();
  assert.deepEqual([row.now.value, row.said.value], ["saved", "Saved."]);
  void row.load();
  void row.load();
  reads[2].resolve("new");
  reads[1].reject(new Error("no"));
  await settle();
  assert.deepEqual([row.now.value, row.failure.value], ["new", null]);
  const refused = { reason: "ETAG_MISMATCH" };
  const refusing = row.refuse(refused);
  reads[3].resolve("as it is");
  await refusing;
  assert.deepEqual([row.now.value, row.said.value, row.failure.value], ["as it is", "", refused]);
  void row.load();
  row.leave();
  reads[4].resolve("too late");
  await settle();
  assert.equal(row.now.value, "as it is");
});
