// Modules of the console for tests: bundled as the console is, so that they need no browser
// to be read.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { binaryOnly } from "../../tools/binary_only.mjs";

globalThis.document ??= { baseURI: "http://localhost/", documentElement: {}, querySelector: () => null, getElementById: () => null, addEventListener() {}, removeEventListener() {} };
globalThis.localStorage ??= { getItem: () => null, setItem() {} };
globalThis.window ??= globalThis;
globalThis.HTMLElement ??= class {};
globalThis.CSS ??= { escape: (text) => text };
globalThis.addEventListener ??= () => {};
globalThis.removeEventListener ??= () => {};
globalThis.history ??= { pushState() {}, replaceState() {} };
globalThis.matchMedia ??= () => ({ matches: true });
Object.defineProperty(globalThis, "navigator", { value: { languages: ["de-DE"] }, configurable: true });

/** What is exported by modules of `src/`, which share what they have; by `route#go`, one name alone. */
export async function load(...modules) {
  const parts = modules.map((one) => one.split("#"));
  return await bundled(parts.map(([path, names]) => `export ${names ? `{ ${names} }` : "*"} from "./src/${path}";`).join("\n"));
}

/** What a text of a module exports, made by the plugins that make the console, or by others. */
export async function bundled(contents, plugins = [binaryOnly]) {
  const root = join(import.meta.dirname, "../..");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    write: false,
    plugins,
    logLevel: "warning",
  });
  // A file has a name that traces of errors can carry.
  const folder = mkdtempSync(join(tmpdir(), "frontdesk-console-"));
  const file = join(folder, "module.mjs");
  try {
    writeFileSync(file, outputFiles[0].text);
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
