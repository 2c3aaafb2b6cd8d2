// Looking as a member of a tenant, and what ends it.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { access, begin, end, ended, failureOfProblem, isEnd, lookAway, properties, start, view } = await load("operators/look", "session/session#access,isEnd,lookAway,start,view", "wire/calls#properties", "wire/failure#failureOfProblem");

const SECONDS = 1800;
const look = () => begin({ name: "Vera", tenant: "t", tenantName: "Alpine Stays" }, "seen", SECONDS);

/** A status with a reason, as it comes before any message. */
function refusal(reason) {
  const field = (number, bytes) => Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
  const info = Buffer.concat([field(1, Buffer.from(reason)), field(2, Buffer.from("frontdesk"))]);
  const any = Buffer.concat([field(1, Buffer.from("type.googleapis.com/google.rpc.ErrorInfo")), field(2, info)]);
  const status = Buffer.concat([Buffer.from([8, 16]), field(3, any)]);
  return new Response(null, { headers: { "content-type": "application/grpc-web+proto", "grpc-status": "16", "grpc-status-details-bin": status.toString("base64") } });
}

/** The tokens of the calls that were made. */
let sent;
let answer;
globalThis.fetch = async (url, { headers }) => {
  if (String(url).includes("console/session")) return Response.json({ access: "own", expires_in: 900, user: { id: "x" } });
  sent.push(new Headers(headers).get("authorization"));
  return await answer();
};

beforeEach(async () => {
  sent = [];
  lookAway();
  await start();
});

test("a call of a look that has ended is not made again with the operator's own token", async () => {
  look();
  answer = async () => {
    end("over");
    return refusal("TOKEN_EXPIRED");
  };
  await assert.rejects(properties.listProperties({}));
  assert.deepEqual(sent, ["Bearer seen"]);
});

test("a look whose token is too old is over by its time", () => {
  look();
  assert.equal(isEnd(failureOfProblem({ code: "TOKEN_EXPIRED" }, null), "seen"), true);
  assert.deepEqual([view.value, ended.value], [null, { name: "Vera", how: "over" }]);
});

test("a look that is refused says why, and the operator's own session goes on", async () => {
  look();
  const refused = failureOfProblem({ code: "TENANT_ACCESS_DENIED" }, null);
  assert.equal(isEnd(refused, "seen"), true);
  assert.deepEqual([ended.value, await access()], [{ name: "Vera", how: refused }, "own"]);
});
