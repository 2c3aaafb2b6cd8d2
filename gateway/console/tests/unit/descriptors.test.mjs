// Messages as the console knows them are those that the runtime of protobuf makes of the same
// files.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bundled } from "./load.mjs";

const folder = join(import.meta.dirname, "../../src/generated");
const files = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith("_pb.ts")).sort();
const contents = [
  ...files.map((path, at) => `export * as file${at} from "./src/generated/${path}";`),
  'export { AnySchema, DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";',
  'export { create, fromBinary, toBinary } from "@bufbuild/protobuf";',
].join("\n");
const [own, real] = [await bundled(contents), await bundled(contents, [])];

/** A value for each field, and for those of what is in it. */
function sample({ fields }, depth = 0) {
  const scalar = (type) => (type === 8 ? true : type === 9 ? "Größe" : type === 12 ? new Uint8Array([1, 255]) : [3, 4, 6, 16, 18].includes(type) ? 12n : 7);
  const value = (field, kind) => (kind === "message" ? sample(field.message, depth + 1) : kind === "enum" ? 2 : scalar(field.scalar));
  const given = (field) => {
    if (field.fieldKind === "list") return [value(field, field.listKind), value(field, field.listKind)];
    if (field.fieldKind === "map") return { a: value(field, field.mapKind), b: value(field, field.mapKind) };
    return value(field, field.fieldKind);
  };
  return Object.fromEntries(fields.filter(({ message }) => !message || depth < 4).map((field) => [field.localName, given(field)]));
}

function pairs(kind, of = files.map((_, at) => `file${at}`)) {
  return of.flatMap((file) => Object.entries(real[file]).filter(([, one]) => one?.kind === kind).map(([name, one]) => [one, own[file][name]]));
}

const messages = [...pairs("message"), ...["AnySchema", "DurationSchema", "TimestampSchema"].map((name) => [real[name], own[name]])];

test("messages are read and written as by the whole runtime", () => {
  assert.ok(messages.length > 50);
  for (const [expected, made] of messages) {
    const whole = sample(expected);
    for (const init of [{}, whole, ...Object.keys(whole).map((name) => ({ [name]: whole[name] }))]) {
      const message = real.create(expected, init);
      const bytes = real.toBinary(expected, message);
      assert.deepEqual(own.toBinary(made, own.create(made, init)), bytes, expected.typeName);
      assert.deepEqual(own.fromBinary(made, bytes), message, expected.typeName);
    }
  }
});

test("methods have the same names, kinds, inputs and outputs", () => {
  const services = pairs("service");
  assert.ok(services.length > 8);
  const form = ({ typeName, methods }) => [typeName, methods.map(({ name, localName, methodKind, input, output }) => [name, localName, methodKind, input.typeName, output.typeName])];
  for (const [expected, made] of services) assert.deepEqual(form(made), form(expected));
});
