// The published Supabase client for Python against the gateway's /auth/v1: supabase_client.py.

import { spawn } from "node:child_process";
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { startSystem } from "./system.mjs";

const python = join(import.meta.dirname, "../../../target/python/bin/python");

test("the Python client signs in, proves a second factor and recovers a password", async () => {
  const system = await startSystem();
  try {
    const env = { ...process.env, ...system.variables, MAIL: system.mail };
    const child = spawn(python, ["-B", join(import.meta.dirname, "supabase_client.py")], { env, stdio: "inherit" });
    const code = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    });
    assert.equal(code, 0, "its tests pass");
  } finally {
    await system.stop();
  }
});
