// A whole system for a test file: `frontdesk dev` on free ports with data that
// are deleted at the end.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = process.env.FRONTDESK ?? join(import.meta.dirname, "../../../target/debug/frontdesk");

// With settings, if a test has some.
export async function startSystem(settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), "frontdesk-web-"));
  const free = "127.0.0.1:0";
  const { DATABASE_URL: _, ...env } = process.env;
  const child = spawn(
    program,
    ["dev", "--ephemeral", "--data-dir", folder, "--gateway", free, "--identity", free, "--booking", free],
    { env: { ...env, LOG: "warn", ...settings }, stdio: ["ignore", "pipe", "inherit"] },
  );
  await new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`frontdesk dev ended with ${code}`)));
    child.stdout.on("data", (text) => String(text).includes("Ready in") && resolve());
  });
  const exports = execFileSync(program, ["env", "--data-dir", folder], { encoding: "utf8" });
  const variables = Object.fromEntries([...exports.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]));
  return {
    variables,
    async stop() {
      child.removeAllListeners("exit");
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGINT");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

export async function accessToken(variables, email) {
  const answer = await fetch(`${variables.API_BASE_URL}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password: variables.DEMO_PASSWORD }),
  });
  return (await answer.json()).access;
}
