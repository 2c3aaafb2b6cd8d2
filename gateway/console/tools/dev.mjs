// Serves the console for development: `node tools/dev.mjs http://localhost:8080`, a gateway
// that `frontdesk dev` has started, and builds it again when a file of `src/` changes.

import { spawnSync } from "node:child_process";
import { watch } from "node:fs";
import { join } from "node:path";
import { startProxy } from "./proxy.mjs";

const build = () => spawnSync(process.execPath, [join(import.meta.dirname, "build.mjs"), "--quiet"], { stdio: "inherit" });
const gateway = process.argv[2] ?? process.env.API_BASE_URL ?? "http://localhost:8080";

build();
const { url } = await startProxy({ gateway, files: true, port: Number(process.env.PORT ?? 5173) });
console.log(`Console at ${url}, gateway at ${gateway}`);
let soon;
watch(join(import.meta.dirname, "../src"), { recursive: true }, () => {
  clearTimeout(soon);
  soon = setTimeout(build, 100);
});
