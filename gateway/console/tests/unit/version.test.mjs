// What is shown of the version of the gateway.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { versionText } = await load("system/System#versionText");
const commit = "0123456789abcdef0123456789abcdef01234567";

test("a commit is shortened, and words of a development build are not", () => {
  assert.equal(versionText({ version: "1.2.3", commit }), "1.2.3 (0123456789ab)");
  for (const words of ["not committed", `${commit} and changes`]) assert.equal(versionText({ version: "1.2.3", commit: words }), `1.2.3 (${words})`);
});
