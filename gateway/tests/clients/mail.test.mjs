// Letters to a real mail server, which asks for TLS and a password: smtp_server.py. It listens
// at 127.0.0.2, which counts as another machine, and at 127.0.0.1.

import { execFileSync, spawn } from "node:child_process";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { program, startSystem } from "./system.mjs";

const python = join(import.meta.dirname, "../../../target/python/bin/python");
const elsewhere = "127.0.0.2";
const user = "front@desk";
const word = "p/a:ss word";
const wrong = "not/the:word";
const SUBJECT = "Subject: Set a new password";

let folder;

const file = (name) => join(folder, name);

// A certificate for an address, signed by an authority; both are made for this test.
function certificates() {
  const openssl = (...args) =>
    execFileSync("openssl", ["req", "-x509", "-days", "2", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", ...args], { stdio: "pipe" });
  for (const name of ["authority", "stranger"]) {
    openssl("-subj", `/CN=${name}`, "-keyout", file(`${name}.key`), "-out", file(`${name}.pem`));
  }
  const signed = ["-CA", file("authority.pem"), "-CAkey", file("authority.key"), "-addext", "basicConstraints=critical,CA:FALSE"];
  for (const [name, address] of [["server", elsewhere], ["other", "127.0.0.3"]]) {
    openssl("-subj", "/CN=mail", "-addext", `subjectAltName=IP:${address}`, ...signed, "-keyout", file(`${name}.key`), "-out", file(`${name}.pem`));
  }
}

// A mail server at an address, its ports, and what it has told.
async function startServer(address = elsewhere, certificate = "server") {
  const script = join(import.meta.dirname, "smtp_server.py");
  const args = ["-B", "-W", "ignore", script, address, file(`${certificate}.pem`), file(`${certificate}.key`), user, word];
  const child = spawn(python, args, { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  child.stdout.on("data", (text) => (said += text));
  const told = () => said.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  await until("the mail server listens", () => told().length > 0);
  const [ports] = told();
  return { ports, told: () => told().slice(1), stop: () => child.kill() };
}

async function until(what, isSo) {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await isSo()) return;
    await sleep(100);
  }
  assert.fail(`not so after 30 s: ${what}`);
}

const login = (password) => `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;

// A system that sends its letters so, and believes an authority.
const startSender = (sender, authority = "authority") =>
  startSystem({ MAIL_SENDER: sender, SSL_CERT_FILE: file(`${authority}.pem`), LOG: "info" }, { keepsLog: true });

async function askForLetter({ variables }) {
  const body = JSON.stringify({ email: variables.VIEWER_EMAIL });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${variables.API_BASE_URL}/v1/auth/recovery`, { method: "POST", headers, body });
  assert.equal(answer.status, 200, await answer.text());
}

const sql = ({ variables }, text) => execFileSync("psql", [variables.DATABASE_URL, "-Atqc", text], { encoding: "utf8" }).trim();
const waiting = (system) => sql(system, "select failure from identity.outbox where dead_at is null and failure <> ''");

before(() => {
  folder = mkdtempSync(join(tmpdir(), "frontdesk-mail-"));
  certificates();
});
after(() => rmSync(folder, { recursive: true }));

// Runs with a system and a server, and stops both.
async function withBoth(server, sender, run, authority) {
  try {
    const system = await startSender(sender(server.ports), authority);
    try {
      await askForLetter(system);
      await run(system);
    } finally {
      await system.stop();
    }
  } finally {
    server.stop();
  }
}

// The letter that a server has taken.
async function taken(system, server) {
  const letters = () => server.told().filter(({ to }) => to);
  await until("the letter comes", () => letters().length > 0);
  await until("it is forgotten here", () => sql(system, "select count(*) from identity.outbox") === "0");
  const [letter, ...more] = letters();
  assert.deepEqual(more, []);
  assert.deepEqual([letter.to, letter.user], [[system.variables.VIEWER_EMAIL], user]);
  assert.ok(letter.text.includes(SUBJECT), letter.text);
  return letter;
}

for (const [scheme, port] of [["smtp", "starttls"], ["smtps", "tls"]]) {
  test(`a letter is delivered by ${scheme}:// with a password, encrypted`, async () => {
    const server = await startServer();
    const sender = (ports) => `${scheme}://${login(word)}@${elsewhere}:${ports[port]}`;
    await withBoth(server, sender, async (system) => {
      const letter = await taken(system, server);
      assert.equal(letter.encrypted, true);
      assert.deepEqual(server.told()[0], { login: user, mechanism: "PLAIN", right: true });
    });
  });

  test(`a letter waits when ${scheme}:// has a wrong password, and the log and the list of dead letters say so without it`, async () => {
    const server = await startServer();
    const sender = (ports) => `${scheme}://${login(wrong)}@${elsewhere}:${ports[port]}`;
    await withBoth(server, sender, async (system) => {
      await until("it is tried", () => waiting(system).includes("535"));
      await until("the log says so", () => system.log().includes("refuses the login"));
      assert.ok(system.log().includes("mail was not delivered and is tried again"), system.log());
      // Its link works no longer than the next pause takes.
      sql(system, "update identity.outbox set due_at = now(), expires_at = now() + interval '8 s'");
      await until("it is dead", () => sql(system, "select count(*) from identity.outbox where dead_at is not null") === "1");
      const env = { ...process.env, ...system.variables, LOG: "warn" };
      const listed = execFileSync(program, ["mail", "list"], { encoding: "utf8", env });
      assert.match(listed, /recover viewer@alpine\.example .*535/);
      const plain = Buffer.from(`\0${user}\0${wrong}`).toString("base64");
      for (const secret of [wrong, encodeURIComponent(wrong), plain, Buffer.from(wrong).toString("base64")]) {
        for (const shown of [listed, system.log(), sql(system, "select failure from identity.outbox")]) {
          assert.ok(!shown.includes(secret), `${secret} is in ${shown}`);
        }
      }
      assert.ok(server.told().every(({ to, right }) => !to && right === false));
    });
  });

  for (const [what, certificate, authority] of [
    ["by an authority that is not trusted", "server", "stranger"],
    ["for another address", "other", "authority"],
  ]) {
    test(`no password and no letter goes by ${scheme}:// to a server whose certificate is ${what}`, async () => {
      const server = await startServer(elsewhere, certificate);
      const sender = (ports) => `${scheme}://${login(word)}@${elsewhere}:${ports[port]}`;
      const run = async (system) => {
        await until("it is tried", () => waiting(system).includes("certificate"));
        await until("the log says so", () => system.log().includes("a certificate that is not trusted"));
        assert.deepEqual(server.told(), []);
      };
      await withBoth(server, sender, run, authority);
    });
  }
}

// As Debian's Postfix has one from the beginning. Before, no letter went to it.
test("a server on this machine is believed with a certificate that nobody signed", async () => {
  const server = await startServer("127.0.0.1", "stranger");
  const sender = (ports) => `smtp://${login(word)}@127.0.0.1:${ports.starttls}`;
  await withBoth(server, sender, async (system) => {
    assert.equal((await taken(system, server)).encrypted, true);
  });
});

test("nothing goes in the clear to a server on another machine", async () => {
  const server = await startServer();
  const sender = (ports) => `smtp://${login(word)}@${elsewhere}:${ports.clear}`;
  await withBoth(server, sender, async (system) => {
    await until("it is tried", () => waiting(system).includes("STARTTLS"));
    assert.deepEqual(server.told(), []);
  });
});
