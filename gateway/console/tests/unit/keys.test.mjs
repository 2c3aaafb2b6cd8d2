import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { load } from "./load.mjs";

const { keysOf } = await load("members/ClientKeys");
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = (key) => ({ ...key.export({ format: "jwk" }), kid: "first" });

test("a JWK set, one key alone and nothing are keys", () => {
  assert.deepEqual(keysOf(JSON.stringify({ keys: [jwk(publicKey)] })), [jwk(publicKey)]);
  assert.deepEqual(keysOf(JSON.stringify(jwk(publicKey))), [jwk(publicKey)]);
  assert.deepEqual(keysOf("  "), []);
});

test("a private key is told from a public one, before it is sent", () => {
  assert.equal(keysOf(JSON.stringify({ keys: [jwk(publicKey), jwk(privateKey)] })), "keys.private");
});

test("what is no JWK set is said to be none", () => {
  for (const text of ["x", "null", "[]", '{"keys":{}}', '{"keys":["a"]}', "3"]) assert.equal(keysOf(text), "keys.no_json", text);
});
