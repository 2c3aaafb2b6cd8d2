// The browser of tests.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

// Chromium's shell without windows takes half as long as Chromium for the same tests.
const names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

/** The one that CHROMIUM names, or the first that is installed. */
export function browserProgram() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = process.env.PATH.split(delimiter);
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
  assert.ok(found, `none of ${names.join(", ")} is installed: deploy/setup --tests installs one`);
  return found;
}
