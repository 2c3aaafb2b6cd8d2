// Builds the console into `dist/`: its page, and its assets under the hash of what is in
// them, each beside its compressed forms. Prints what they weigh, and fails if the first
// load weighs too much. The gateway builds the folder in.

import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { binaryOnly } from "./binary_only.mjs";
import { licencesOf } from "./licences.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
/**
 * Most bytes of the first load, compressed with gzip: the page, whatever it names, and one
 * language, with which the list is on the screen; or with which the form is that signs in.
 */
const MOST = 60 * 1024;

for (const name of readdirSync(dist)) if (name !== ".gitignore") rmSync(join(dist, name), { recursive: true });

/**
 * Whatever is loaded later is loaded by the first script. Saying that it needs all of it, the
 * bundler keeps that in one piece, and does not cut it by who else needs which part.
 */
const LATER = /src\/(account\/Account|audit\/Audit|calendar\/Calendar|guests\/Guests|letters\/Letter|members\/Members|operators\/Operators|property\/Properties|request\/lazy|session\/lazy|system\/System)\.tsx?$/;
const inOnePiece = {
  name: "in one piece",
  setup(building) {
    building.onLoad({ filter: LATER }, ({ path }) => ({ contents: `import "${join(root, "src/main.tsx")}";\n${readFileSync(path, "utf8")}`, loader: path.endsWith("x") ? "tsx" : "ts" }));
  },
};

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { console: "src/main.tsx", style: "src/style.css", forms: "src/forms.css", later: "src/later.css", icon: "src/icon.svg" },
  outdir: "dist",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  loader: { ".svg": "copy" },
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  metafile: true,
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
  plugins: [binaryOnly, inOnePiece],
});

const outputs = Object.entries(metafile.outputs).map(([path, output]) => ({ name: path.replace("dist/", ""), ...output }));
const of = (entry) => outputs.find((output) => output.entryPoint === entry);
const script = of("src/main.tsx");
const style = of("src/style.css");
const forms = of("src/forms.css");
const later = of("src/later.css");
const icon = of("src/icon.svg") ?? outputs.find((output) => output.name.endsWith(".svg"));

/** A script with those that it imports before it runs. */
function withImports(output, found = new Set()) {
  if (found.has(output)) return found;
  found.add(output);
  for (const { path, kind } of output.imports) {
    if (kind === "import-statement") withImports(outputs.find(({ name }) => `dist/${name}` === path), found);
  }
  return found;
}

const assets = "console/assets";
// What begins is in the piece that the others share, and what the bundler begins with imports that.
const [begin, ...rest] = [...withImports(script)].slice(1);
if (rest.length > 0) throw new Error(`The first script is in pieces: ${rest.map(({ name }) => name).join(", ")}`);
rmSync(join(dist, script.name));
const page = readFileSync(join(root, "src/page.html"), "utf8")
  .replace("{icon}", `${assets}/${icon.name}`)
  .replace("{style}", `${assets}/${style.name}`)
  .replace("{forms}", `${assets}/${forms.name}`)
  .replace("{later}", `${assets}/${later.name}`)
  .replace("{script}", `${assets}/${begin.name}`);
writeFileSync(join(dist, "index.html"), page);

const weights = new Map();
for (const name of readdirSync(dist).filter((name) => name !== ".gitignore").sort()) {
  const plain = readFileSync(join(dist, name));
  const gzip = gzipSync(plain, { level: 9 });
  const brotli = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } });
  writeFileSync(join(dist, `${name}.gz`), gzip);
  writeFileSync(join(dist, `${name}.br`), brotli);
  weights.set(name, { plain: plain.length, gzip: gzip.length, brotli: brotli.length });
}

// Without compressed forms it is not built in, but taken by `deploy/licences`.
writeFileSync(join(dist, "licences.txt"), licencesOf(root, Object.keys(metafile.inputs)));

/** What a page loads by itself: its links and scripts, but no style that is disabled yet. */
const named = [...page.matchAll(/<(?:link|script)\b[^>]*>/g)].flatMap(([tag]) => (/\bdisabled\b/.test(tag) ? [] : (/(?:href|src)="([^"]+)"/.exec(tag)?.slice(1) ?? []))).map((path) => path.replace(`${assets}/`, ""));
const first = new Set(["index.html", ...named]);
const row = (name, { plain, gzip, brotli }) => `${name.padEnd(34)}${[plain, gzip, brotli].map((bytes) => String(bytes).padStart(9)).join("")}`;
const sum = (names) => [...new Set(names)].map((name) => weights.get(name)).reduce((all, one) => ({ plain: all.plain + one.plain, gzip: all.gzip + one.gzip, brotli: all.brotli + one.brotli }), { plain: 0, gzip: 0, brotli: 0 });
/** Who is not signed in loads this before the form is on the screen. */
const form = [...withImports(of("src/session/lazy.ts"))].map(({ name }) => name);
const loads = ["de", "en"].flatMap((language) => {
  const texts = (part) => of(`src/text/${language}${part}.ts`).name;
  return [
    [`first load, ${language}`, sum([...first, texts("")])],
    [`first load, ${language}, signed out`, sum([...first, texts(""), ...form, texts("_session")])],
  ];
});
if (!process.argv.includes("--quiet")) {
  console.log(`${"bytes".padEnd(34)}${["plain", "gzip", "brotli"].map((head) => head.padStart(9)).join("")}`);
  for (const name of first) console.log(row(name, weights.get(name)));
  for (const [name, weight] of loads) console.log(row(name, weight));
  for (const [name, weight] of weights) if (!first.has(name)) console.log(row(name, weight));
}
const most = Math.max(...loads.map(([, { gzip }]) => gzip));
if (most > MOST) {
  // Without it nothing counts as built.
  rmSync(join(dist, "index.html"));
  console.error(`The first load has ${most} bytes in gzip, ${most - MOST} too many.`);
  process.exit(1);
}
