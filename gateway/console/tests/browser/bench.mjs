// Measures the console in Chromium on this machine, with everything else that runs there:
// decisions by keyboard, the time until another client's change is painted, and scrolling a
// calendar of 500 properties.

import { once } from "node:events";
import { connect } from "node:http2";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ALPINE, bookingOf, call, desk, gatewayOf, newRequest, openDesk, openPage, proxyOf, requestNow, signIn } from "./desk.mjs";

const print = (line) => console.log(`    ${line}`);
const at = (sorted, share) => sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)];

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

/** What a session may watch, and what a connection to the gateway carries. */
const [OF_SESSION, OF_CONNECTION] = [20, 100];

async function tokenOf(email) {
  const answer = await fetch(`${desk.gateway}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password: desk.variables.DEMO_PASSWORD }),
  });
  return (await answer.json()).access;
}

/** Others who watch as pages do, over gRPC-Web; says how much they have heard. */
async function watchers(gateway, count) {
  const connections = [];
  const heard = new Array(count).fill(0);
  let token = "";
  for (let at = 0; at < count; at += 1) {
    if (at % OF_SESSION === 0) token = await tokenOf(desk.variables.VIEWER_EMAIL);
    if (at % OF_CONNECTION === 0) {
      connections.push(connect(gateway));
      await once(connections.at(-1), "connect");
    }
    const stream = connections.at(-1).request({
      ":method": "POST",
      ":path": "/frontdesk.booking.v1.BookingRequestService/WatchBookingRequests",
      "content-type": "application/grpc-web+proto",
      authorization: `Bearer ${token}`,
      "x-tenant-id": ALPINE,
    });
    // A message without fields.
    stream.end(Buffer.alloc(5));
    const [headers] = await once(stream, "response");
    if (headers["grpc-status"]) throw new Error(`${at} streams, then ${headers["grpc-message"]}`);
    await once(stream, "readable");
    stream.on("data", (bytes) => (heard[at] += bytes.length));
  }
  return { heard, stop: () => connections.forEach((connection) => connection.destroy()) };
}

/** Says when a request is seen to be under review, in milliseconds since 1970. */
async function seeReview(page, id) {
  await page.locator(`#row-${id}`).waitFor();
  await page.evaluate((row) => {
    const element = document.getElementById(row).closest("li");
    globalThis.painted = new Promise((resolve) => {
      const seen = new MutationObserver(() => {
        if (!element.querySelector(".badge[data-status=under_review]")) return;
        seen.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(Date.now())));
      });
      seen.observe(element, { subtree: true, childList: true, attributes: true, characterData: true });
    });
  }, `row-${id}`);
  return () => page.evaluate(() => globalThis.painted);
}

test("another client's change until it is painted", async (context) => {
  const text = (times) => {
    times.sort((a, b) => a - b);
    return `${at(times, 0.5).toFixed(0)} ms in the middle, ${at(times, 0.99).toFixed(0)} ms of a hundred the slowest but one`;
  };
  // Of their own, since so many watch one tenant from one address.
  const booking = await bookingOf(context, { WATCH_LIMIT_SERVER: "2000", WATCH_LIMIT_TENANT: "2000" });
  const { url: gateway } = await gatewayOf(context, { BOOKING_ADDR: booking.address, CALL_LIMIT_CLIENT: "2000" });
  const { url } = await proxyOf(context, { gateway });
  for (const wanted of [0, 200, 1_000]) {
    const others = await watchers(gateway, wanted);
    const page = await openDesk(context, { url, place: "requests?status=all" });
    const [fromCall, fromEvent] = [[], []];
    for (let made = 0; made < 100; made += 1) {
      const { id } = await newRequest();
      const painted = await seeReview(page, id);
      const before = [...others.heard];
      const begun = Date.now();
      await call("POST", `/v1/booking-requests/${id}/review`, {}, { gateway });
      const seen = await painted();
      fromCall.push(seen - begun);
      // Its time is that of the same machine.
      const { events } = await call("GET", `/v1/booking-requests/${id}/history`);
      fromEvent.push(seen - Date.parse(events.find(({ kind }) => kind === "review_started").at));
      const latest = Date.now() + 10_000;
      while (others.heard.some((bytes, other) => bytes === before[other])) {
        if (Date.now() > latest) throw new Error(`not all of ${wanted} others have heard of it`);
        await sleep(5);
      }
    }
    print(`${wanted} other watchers, from before the call: ${text(fromCall)}`);
    print(`${wanted} other watchers, from the time of the event: ${text(fromEvent)}`);
    others.stop();
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
