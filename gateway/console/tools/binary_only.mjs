// Leaves out of the runtimes of protobuf and Connect what the console does not need: it
// speaks binary protobuf, calls unary methods and listens to streams, and knows its messages
// when it is built. A call of what is left out throws.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { short } from "./descriptors.mjs";

const CODECS = /@bufbuild\/protobuf\/dist\/esm\/(from-json|to-json|wire\/text-format)\.js$/;
const ITERABLES = /@connectrpc\/connect\/dist\/esm\/protocol\/async-iterable\.js$/;
const STREAMS = /@connectrpc\/(connect\/dist\/esm\/promise-client|connect-web\/dist\/esm\/grpc-web-transport)\.js$/;
/** Files that are generated, here and in the runtimes. */
const GENERATED = /_pb\.(js|ts)$/;
const HYDRATION = /@bufbuild\/protobuf\/dist\/esm\/codegenv2\/file\.js$/;
const OWN = join(import.meta.dirname, "../src/wire/descriptors.ts");

const FUNCTION = /^export (?:async )?function (\w+)[^]*?^\}$/gm;

/** Functions of a module that throw, for those whose names are taken. */
function throwing(text, isTaken) {
  return text.replace(FUNCTION, (whole, name) => (isTaken(name) ? `export function ${name}() { throw new Error("${name} is not built in"); }` : whole));
}

/** Functions that throw, and nothing else of a module. */
function hollow(text) {
  return throwing([...text.matchAll(FUNCTION)].map(([whole]) => whole).join("\n"), () => true);
}

/** Generators as they were written before they were compiled for browsers that have none. */
function withGenerators(text) {
  const compiled = /^( *)(.*)function (\w*) ?\((.*)\) \{\n( *)return __asyncGenerator\(this, arguments, function\* ?\w*\(\) \{\n([^]*?)\n\5\}\);\n\1\}/gm;
  const written = text.replace(compiled, (_, indent, before, name, given, __, body) => {
    const inside = body
      .replace(/yield\* __asyncDelegator\(__asyncValues\(([\w.]+)\)\)/g, "yield* $1")
      .replace(/return yield __await\(void 0\)/g, "return")
      .replace(/(yield )?yield __await\(/g, "$1await (");
    return `${indent}${before}async function* ${name}(${given}) {\n${inside}\n${indent}}`;
  });
  // What compiled ones need, unless there are others.
  const [helpers, rest] = [written.slice(0, written.search(/^import /m)), written.slice(written.search(/^import /m))];
  return rest.includes("__async") ? written : helpers.replace(/^var __[^]*/m, "") + rest;
}

/** Descriptions of files as short texts. One of the runtimes' own that has none throws when it is used. */
function described(text, path) {
  return text.replace(/fileDesc\("([\w+/=]+)"/g, (_, base64) => {
    try {
      return `fileDesc(${JSON.stringify(short(base64))}`;
    } catch (error) {
      if (path.endsWith(".ts")) throw error;
      return `fileDesc(/*@__PURE__*/ (() => { throw new Error(${JSON.stringify(error.message)}); })()`;
    }
  });
}

export const binaryOnly = {
  name: "binary only",
  setup(build) {
    const change = (filter, how) =>
      build.onLoad({ filter }, ({ path }) => ({ contents: how(readFileSync(path, "utf8"), path), loader: path.endsWith("ts") ? "ts" : "js" }));
    change(CODECS, hollow);
    change(ITERABLES, (text) => withGenerators(throwing(text, (name) => name !== "createAsyncIterable")));
    change(STREAMS, (text) => withGenerators(throwing(text, (name) => /^create(ClientStreaming|BiDiStreaming)Fn$/.test(name))));
    change(GENERATED, described);
    change(HYDRATION, () => `export { fileDesc } from ${JSON.stringify(OWN)};`);
  },
};
