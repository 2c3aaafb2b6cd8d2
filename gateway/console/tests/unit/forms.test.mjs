// What forms send, and what somebody else does meanwhile.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { Code, ConnectError, editOf, ErrorInfoSchema, once, sendingOf } = await load(
  "parts/edit#editOf",
  "parts/once#once",
  "parts/sending#sendingOf",
  "generated/google/rpc/error_details_pb#ErrorInfoSchema",
  "../node_modules/@connectrpc/connect/dist/esm/index.js#Code,ConnectError",
);

const refusal = (reason) => new ConnectError(reason, Code.FailedPrecondition, { "x-request-id": "r" }, [{ desc: ErrorInfoSchema, value: { reason } }]);

function later() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

test("a form sends one thing at a time, and settles on the reply", async () => {
  const sending = sendingOf();
  const reply = later();
  const calls = [];
  const call = () => {
    calls.push("called");
    return reply.promise;
  };
  const first = sending.attempt(call);
  assert.equal(await sending.attempt(call), null);
  assert.deepEqual([calls.length, sending.busy.value], [1, true]);
  reply.reject(refusal("LAST_OWNER"));
  assert.equal(await first, null);
  assert.deepEqual([sending.busy.value, sending.failure.value.reason], [false, "LAST_OWNER"]);
  assert.equal(await sending.attempt(async () => "done"), "done");
  assert.equal(sending.failure.value, null);
});

test("a reply that comes when the form is gone is of nobody", async () => {
  const sending = sendingOf();
  const reply = later();
  const sent = sending.attempt(() => reply.promise);
  sending.leave();
  reply.resolve("made");
  assert.equal(await sent, null);
});

let saved;
let keys;
/** Answers of the server, in their order. */
let answers;

beforeEach(() => ([saved, keys, answers] = [[], [], []]));

const row = (fields = {}) => ({ id: "1", etag: "a", name: "Mill", notes: "", ...fields });
const changed = (was, { name, notes }) => ({ ...(name !== was.name && { name }), ...(notes !== was.notes && { notes }) });

function edited(of = row()) {
  const input = (was, draft) => ({ id: was.id, etag: was.etag, ...changed(was, draft) });
  return editOf({
    row: of,
    draftOf: ({ name, notes }) => ({ name, notes }),
    onto: (was, now, draft) => ({ name: now.name, notes: now.notes, ...changed(was, draft) }),
    save: (was, draft) =>
      once("save", input(was, draft), async (headers) => {
        keys.push(headers["idempotency-key"]);
        return answers.shift()(input(was, draft));
      }),
    read: async () => row({ etag: "b", notes: "by somebody else" }),
    onSaved: (now) => saved.push(now),
  });
}

const stale = () => {
  throw refusal("ETAG_MISMATCH");
};

test("what somebody else has changed is shown beside what was entered, and kept", async () => {
  const edit = edited();
  edit.set({ name: "Old Mill" });
  answers = [stale, (input) => ({ ...row(), ...input })];
  await edit.send();
  assert.deepEqual([saved, edit.other.value.notes, edit.sending.failure.value], [[], "by somebody else", null]);
  edit.goOn(true);
  assert.deepEqual([edit.draft.value, edit.other.value], [{ name: "Old Mill", notes: "by somebody else" }, null]);
  await edit.send();
  assert.deepEqual(saved, [row({ etag: "b", name: "Old Mill" })]);
});

test("the state as it is now is taken in place of what was entered", async () => {
  const edit = edited();
  edit.set({ name: "Old Mill" });
  answers = [stale];
  await edit.send();
  edit.goOn(false);
  assert.deepEqual([edit.draft.value, edit.base.value.etag], [{ name: "Mill", notes: "by somebody else" }, "b"]);
});

test("the same again after a lost reply has the same key, and another one after an answer", async () => {
  const edit = edited();
  answers = [() => Promise.reject(new TypeError("Failed to fetch")), () => Promise.reject(refusal("INVALID_FIELD")), (input) => ({ ...row(), ...input })];
  await edit.send();
  assert.deepEqual([edit.sending.failure.value.reason, edit.sending.failure.value.once], ["NETWORK", true]);
  await edit.send();
  await edit.send();
  assert.equal(keys[0], keys[1]);
  assert.notEqual(keys[1], keys[2]);
  assert.equal(saved.length, 1);
});
