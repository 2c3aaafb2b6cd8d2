// Leaves out of the runtimes of protobuf and Connect what the console does not need: it
// speaks binary protobuf, and the files that it is generated from have no options. A call
// of what is left out throws.

import { readFileSync } from "node:fs";

const CODECS = /@bufbuild\/protobuf\/dist\/esm\/(from-json|to-json|wire\/text-format)\.js$/;
const DESCRIPTOR = /@bufbuild\/protobuf\/dist\/esm\/wkt\/google\/protobuf\/descriptor_pb\.js$/;
const GENERATED = /\/src\/generated\/.*_pb\.ts$/;
/** Messages of descriptor.proto whose fields stand in no file that is generated from. */
const EMPTY = new Set([
  "EnumOptions", "EnumValueOptions", "ExtensionRangeOptions", "FeatureSet", "FeatureSetDefaults", "FieldOptions",
  "FileOptions", "GeneratedCodeInfo", "MethodOptions", "OneofOptions", "ServiceOptions", "SourceCodeInfo", "UninterpretedOption",
]);

function withoutCodecs(text) {
  const names = [...text.matchAll(/^export (?:async )?function (\w+)/gm)].map(([, name]) => name);
  return names.map((name) => `export function ${name}() { throw new Error("${name} is not built in"); }`).join("\n");
}

/** The messages keep their places, by which the rest of the file names them. */
function withoutOptions(text) {
  const begin = "boot({";
  const from = text.indexOf(begin) + begin.length - 1;
  const to = text.indexOf(");\n", from);
  const file = JSON.parse(text.slice(from, to));
  file.messageType = file.messageType.map((message) => (EMPTY.has(message.name) ? { name: message.name } : message));
  // Written by the compiler of TypeScript in a form that bundlers take for a side effect.
  const enums = /^export var (\w+);\n\(function \(\1\) \{\n([^]*?)^\}\)\(\1 \|\| \(\1 = \{\}\)\);$/gm;
  // Defaults of what is left are the values of zero, and written as text.
  const kept = JSON.stringify(file, (name, value) => (name === "defaultValue" ? undefined : value));
  return (text.slice(0, from) + kept + text.slice(to)).replace(
    enums,
    "export const $1 = /*@__PURE__*/ (function ($1) {\n$2return $1;\n})({});",
  );
}

/**
 * Descriptors of generated files as the bytes that they are: names that come again are seen
 * to come again by what compresses the script, which base64 hides.
 */
function asBytes(text) {
  return text.replace(/fileDesc\("([\w+/=]+)"/g, (_, base64) => `fileDesc(btoa(${JSON.stringify(Buffer.from(base64, "base64").toString("latin1"))})`);
}

export const binaryOnly = {
  name: "binary only",
  setup(build) {
    build.onLoad({ filter: CODECS }, ({ path }) => ({ contents: withoutCodecs(readFileSync(path, "utf8")), loader: "js" }));
    build.onLoad({ filter: GENERATED }, ({ path }) => ({ contents: asBytes(readFileSync(path, "utf8")), loader: "ts" }));
    build.onLoad({ filter: DESCRIPTOR }, ({ path }) => ({ contents: withoutOptions(readFileSync(path, "utf8")), loader: "js" }));
  },
};
