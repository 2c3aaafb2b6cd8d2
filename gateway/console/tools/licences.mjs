// The packages that are bundled into the console, with their licences and, where a package
// brings it, the text: the program that has the console in it is handed out with these.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Of the files that a bundle is made of, below `root`. */
export function licencesOf(root, files) {
  const names = files.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean);
  const packages = [...new Set(names)].sort().map((name) => {
    const folder = join(root, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    return { title: `${name} ${version}`, license, text: file && readFileSync(join(folder, file), "utf8") };
  });
  const list = packages.map(({ title, license }) => `${title.padEnd(40)} ${license}\n`);
  const texts = packages.filter(({ text }) => text).map(({ title, text }) => `\n${"-".repeat(80)}\n${title}\n\n${text}`);
  return list.join("") + texts.join("");
}
