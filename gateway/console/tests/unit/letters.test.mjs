import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

globalThis.location = { hash: "#token=secret", pathname: "/desk/invitation" };
globalThis.history = {
  state: null,
  replaceState(state, _, path) {
    Object.assign(this, { state, path });
    location.hash = "";
  },
};
const { ask, linkToken } = await load("letters/ask");

test("the token of a letter is out of the address at once, and gone when it is of no use", async () => {
  assert.deepEqual([history.path, location.hash, linkToken()], ["/desk/invitation", "", "secret"]);
  globalThis.fetch = async () => new Response(JSON.stringify({ code: "OVERLOADED" }), { status: 503 });
  assert.equal(await ask("v1/x", {}), null);
  assert.equal(linkToken(), "secret");
  globalThis.fetch = async () => new Response(JSON.stringify({ code: "LINK_INVALID" }), { status: 404 });
  assert.equal(await ask("v1/x", {}), null);
  assert.equal(linkToken(), "");
});
