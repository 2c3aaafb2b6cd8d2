// Measures the console in Chromium on this machine, with everything else that runs there:
// decisions by keyboard, the time until another client's change is painted, and scrolling a
// calendar of 500 properties.

import { test } from "node:test";
import { ALPINE, call, desk, newRequest, openDesk, openPage, requestNow, signIn } from "./desk.mjs";

const print = (line) => console.log(`    ${line}`);
const at = (sorted, share) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)];

/** Waits until it is so, looking at each frame: waits of the driver's own are up to half a second late. */
const until = (page, holds, given) => page.waitForFunction(holds, given, { polling: "raf" });

test("a hundred decisions by keyboard", async (context) => {
  const all = [];
  for (let made = 0; made < 100; made += 1) all.push(await newRequest());
  const page = await openDesk(context, { place: `requests?order=oldest&from=${all[0].check_in}` });
  await page.locator(`#row-${all[0].id}`).waitFor();
  const calls = new Map();
  page.on("request", (request) => {
    const name = request.url().split("/").at(-1);
    calls.set(name, (calls.get(name) ?? 0) + 1);
  });
  await page.keyboard.press("j");
  const begun = performance.now();
  for (const [index, { id }] of all.entries()) {
    await until(page, (id) => document.querySelector(`li.row[data-here=true] #row-${id}`) && document.querySelector("article.request .facts code")?.textContent === id, id);
    if (index % 2 === 0) await page.keyboard.press("a");
    else {
      await page.keyboard.press("d");
      await until(page, () => document.activeElement?.closest("dialog[open]"));
      await page.keyboard.press(String((index % 5) + 1));
      await page.keyboard.press("Enter");
    }
    const status = index % 2 === 0 ? "confirmed" : "declined";
    await until(page, ({ id, status }) => document.querySelector(`li.row:has(#row-${id}) .badge[data-status=${status}]`), { id, status });
  }
  const seconds = (performance.now() - begun) / 1000;
  let wrong = 0;
  for (const [index, { id }] of all.entries()) if ((await requestNow(id)).status !== (index % 2 === 0 ? "confirmed" : "declined")) wrong += 1;
  print(`100 decisions in ${seconds.toFixed(1)} s, ${wrong} wrong`);
  print(`calls: ${[...calls].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`).join(", ")}`);
});

async function watchers(count) {
  const streams = [];
  let signedIn = "";
  for (let at = 0; at < count; at += 1) {
    if (at % 20 === 0) {
      const answer = await fetch(`${desk.gateway}/v1/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email: desk.variables.VIEWER_EMAIL, password: desk.variables.DEMO_PASSWORD }),
      });
      signedIn = (await answer.json()).access;
    }
    const stop = new AbortController();
    const stream = await fetch(`${desk.gateway}/v1/booking-requests/watch`, { headers: { authorization: `Bearer ${signedIn}`, accept: "application/x-ndjson" }, signal: stop.signal });
    if (!stream.ok) break;
    stream.body.pipeTo(new WritableStream()).catch(() => {});
    streams.push(stop);
  }
  return streams;
}

test("another client's change until it is painted", async (context) => {
  for (const wanted of [0, 200]) {
    const others = await watchers(wanted);
    const page = await openDesk(context, { place: "requests?status=all" });
    const times = [];
    for (let made = 0; made < 100; made += 1) {
      const { id } = await newRequest();
      await page.locator(`#row-${id}`).waitFor();
      const painted = page.evaluate(
        (row) =>
          new Promise((resolve) => {
            const element = document.getElementById(row).closest("li");
            const seen = new MutationObserver(() => {
              if (!element.querySelector(".badge[data-status=under_review]")) return;
              seen.disconnect();
              requestAnimationFrame(() => setTimeout(() => resolve(performance.timeOrigin + performance.now())));
            });
            seen.observe(element, { subtree: true, childList: true, attributes: true, characterData: true });
          }),
        `row-${id}`,
      );
      await call("POST", `/v1/booking-requests/${id}/review`, {});
      const answered = performance.timeOrigin + performance.now();
      times.push((await painted) - answered);
    }
    times.sort((a, b) => a - b);
    print(`${others.length} other watchers: ${at(times, 0.5).toFixed(0)} ms in the middle, ${at(times, 0.99).toFixed(0)} ms of a hundred the slowest but one, from the answer to its change`);
    for (const stop of others) stop.abort();
    await page.close();
  }
});

test("scrolling 500 properties and 365 days", async (context) => {
  for (let made = 0; made < 497; made += 1) await call("POST", "/v1/properties", { name: `House ${String(made).padStart(3, "0")}`, time_zone: "Europe/Berlin", max_guests: 2 });
  const page = await openPage(context, { url: `${desk.url}#/${ALPINE}/calendar` });
  await signIn(page);
  await page.locator(".tape-row").first().waitFor();
  await page.evaluate(() => {
    globalThis.tasks = [];
    new PerformanceObserver((list) => globalThis.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  });
  const frames = await page.locator(".tape").evaluate(async (tape) => {
    let count = 0;
    for (let step = 0; step <= 300; step += 1) {
      tape.scrollTop = (step / 300) * tape.scrollHeight;
      tape.scrollLeft = (((step * 7) % 300) / 300) * tape.scrollWidth;
      await new Promise(requestAnimationFrame);
      count += 1;
    }
    return count;
  });
  const tasks = await page.evaluate(() => globalThis.tasks);
  print(`${await page.locator(".tape").getAttribute("aria-rowcount")} rows, ${frames} steps: ${tasks.length} tasks over 50 ms${tasks.length > 0 ? `, the longest ${Math.max(...tasks).toFixed(0)} ms` : ""}`);
});
