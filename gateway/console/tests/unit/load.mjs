// Modules of the console for tests: bundled as the console is, so that they need no browser
// to be read.

import { join } from "node:path";
import { build } from "esbuild";
import { binaryOnly } from "../../tools/binary_only.mjs";

globalThis.document ??= { baseURI: "http://localhost/", documentElement: {}, querySelector: () => null };
globalThis.localStorage ??= { getItem: () => null, setItem() {} };
globalThis.window ??= globalThis;
globalThis.addEventListener ??= () => {};
Object.defineProperty(globalThis, "navigator", { value: { languages: ["de-DE"] }, configurable: true });

/** What is exported by modules of `src/`, which share what they have. */
export async function load(...modules) {
  const root = join(import.meta.dirname, "../..");
  const contents = modules.map((path) => `export * from "./src/${path}";`).join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    write: false,
    plugins: [binaryOnly],
    logLevel: "warning",
  });
  return await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}
