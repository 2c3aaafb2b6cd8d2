// A whole system for a test file: `frontdesk dev` on free ports with data that
// are deleted at the end.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const program = process.env.FRONTDESK ?? join(import.meta.dirname, "../../../target/debug/frontdesk");

// With settings, if a test has some, and with its log for the test to read.
export async function startSystem(settings = {}, { keepsLog = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "frontdesk-web-"));
  const free = "127.0.0.1:0";
  const { DATABASE_URL: _, ...env } = process.env;
  const child = spawn(
    program,
    ["dev", "--ephemeral", "--data-dir", folder, "--gateway", free, "--identity", free, "--booking", free],
    { env: { ...env, LOG: "warn", ...settings }, stdio: ["ignore", "pipe", keepsLog ? "pipe" : "inherit"] },
  );
  let log = "";
  child.stderr?.on("data", (text) => (log += text));
  await new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`frontdesk dev ended with ${code}`)));
    child.stdout.on("data", (text) => String(text).includes("Ready in") && resolve());
  });
  // dev writes letters into files.
  const mail = join(folder, `mail-${child.pid}`);
  const exports = execFileSync(program, ["env", "--data-dir", folder], { encoding: "utf8" });
  const variables = Object.fromEntries([...exports.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]));
  return {
    variables,
    mail,
    letterTo: (address, subject) => letterTo(mail, address, subject),
    folder,
    log: () => log,
    async stop() {
      child.removeAllListeners("exit");
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGINT");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

// The letter to an address with a subject, waited for.
async function letterTo(folder, address, subject) {
  for (let tries = 0; tries < 200; tries += 1) {
    const letters = filesOf(folder).map(plain);
    const found = letters.find((one) => one.includes(`To: ${address}`) && one.includes(`Subject: ${subject}`));
    if (found) return { text: found, token: found.match(/#token=([\w-]+)/)?.[1] };
    await sleep(100);
  }
  throw new Error(`no letter ${subject} for ${address} in ${folder}`);
}

function filesOf(folder) {
  try {
    return readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

// Quoted-printable (RFC 2045) made readable, as far as ASCII goes.
function plain(letter) {
  const joined = letter.replaceAll(/=\r?\n/g, "");
  return joined.replaceAll(/=([0-9A-F]{2})/g, (_, byte) => String.fromCharCode(parseInt(byte, 16)));
}

export async function accessToken(variables, email) {
  const answer = await fetch(`${variables.API_BASE_URL}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password: variables.DEMO_PASSWORD }),
  });
  return (await answer.json()).access;
}
