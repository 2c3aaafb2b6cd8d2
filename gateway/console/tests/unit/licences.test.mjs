import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { licencesOf } from "../../tools/licences.mjs";

test("each package of a bundle is listed once, with its licence and its text", () => {
  const files = ["src/main.tsx", "node_modules/preact/dist/preact.mjs", "node_modules/preact/hooks/dist/hooks.mjs", "node_modules/@bufbuild/protobuf/dist/esm/create.js"];
  const text = licencesOf(join(import.meta.dirname, "../.."), files);
  assert.match(text, /^@bufbuild\/protobuf [\d.]+ +\(Apache-2\.0 AND BSD-3-Clause\)\npreact [\d.]+ +MIT\n/);
  assert.match(text, /The MIT License/);
});
