// A page that is left open: over a restart, in the background, beside nine others, and for a day.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { connection, headline, verdictOf, waitFor } from "./actions.mjs";
import { launch, open, picture } from "./browser.mjs";
import { eventually, Stage } from "./stage.mjs";

let stage, browser, context;

before(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  stage.call(5);
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
});
after(async () => {
  await browser?.close();
  await stage?.stop();
});

/** What the browser says of a server that is away. */
const away = (text) => /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)/.test(text);
const off = (subject) => stage.switch({ subject, reason: "a look at it", actor: "ada" });
const grok = (page) => verdictOf(page, "grok");

test("ten pages at once all follow, though a browser has six connections", async () => {
  const pages = await Promise.all(Array.from({ length: 10 }, () => open(context, stage.page)));
  await eventually("four of them by a stream", async () => {
    const states = await Promise.all(pages.map(connection));
    return states.filter((state) => state === "Live").length === 4 && states.filter((state) => state === "Every 5 s").length === 6;
  });
  await off("grok");
  for (const page of pages) await waitFor("the verdict", page, grok, "Switched off");
  await stage.command("enable", "grok");
  for (const page of pages) await waitFor("the verdict", page, grok, "Healthy");
  for (const page of pages.slice(0, 9)) await page.close();
  await waitFor("the place of those who left", pages[9], connection, "Live");
  assert.deepEqual(pages.flatMap(({ complaints }) => complaints), []);
  await pages[9].close();
});

test("in the background nothing is asked for, and the foreground catches up", async () => {
  const page = await open(context, stage.page);
  await waitFor("the connection", page, connection, "Live");
  const hide = (hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await hide(true);
  await off("grok");
  await eventually("it is in force", async () => (await stage.status).switches.length === 1);
  await waitFor("the connection", page, connection, "Paused");
  assert.deepEqual(asked, []);
  await hide(false);
  await waitFor("the verdict", page, grok, "Switched off");
  await waitFor("the connection", page, connection, "Live");
  await stage.command("enable", "grok");
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test("a restart is told and outlived, with other models afterwards", async () => {
  const page = await open(context, stage.page, { expected: away });
  await page.evaluate(() => { window.loadedOnce = true; });
  await waitFor("the connection", page, connection, "Live");
  // Of the switch before it hears a moment later.
  await eventually("all is well again", async () => /^Everything is well/.test(await headline(page)));
  await stage.down("SIGKILL");
  await eventually("the page says so", async () => /^No connection to Sidestep since \d.*as last heard/.test(await page.locator("#lost").textContent()));
  assert.ok(await page.locator("#lost").isVisible());
  assert.match(await headline(page), /^Sidestep cannot be reached since .* What it said last: Everything is well/);
  await picture(page, "lost", { fullPage: false });
  const names = ["constructor", "hasOwnProperty", "a.b_c-d"];
  await stage.reconfigured((text) => text
    .replaceAll(/^  haiku: .*$/gm, names.map((name) => `  "${name}": { provider: anthropic, model: claude-haiku-5-5 }`).join("\n"))
    .replaceAll("[haiku, luna, grok]", JSON.stringify([...names, "grok"]))
    .replaceAll('"claude-haiku-*"', '"<b>claude-haiku-*"'));
  await stage.up();
  await waitFor("the connection", page, connection, "Live");
  for (const name of names) await eventually(name, () => page.locator(".model", { hasText: name }).count());
  assert.equal(await page.locator('[aria-label="Model haiku"]').count(), 0, "who is gone is gone");
  assert.ok((await page.locator("#routes").textContent()).includes("<b>claude-haiku-*"));
  assert.equal(await page.locator("#lost").isVisible(), false);
  const starts = page.locator("#timeline li", { hasText: "started; applications call" });
  await eventually("both lives are in the timeline", async () => (await starts.count()) === 2);
  await off("grok");
  await waitFor("the verdict", page, grok, "Switched off");
  await stage.command("enable", "grok");
  await stage.reconfigured((text) => text);
  await eventually("a reload shows, too", () => page.locator('[aria-label="Model haiku"]').count());
  assert.ok(await page.evaluate(() => window.loadedOnce));
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test("a day of decisions leaves the page as small as an hour of them", async () => {
  const page = await open(context, stage.page);
  const session = await context.newCDPSession(page);
  const size = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { nodes } = await session.send("Memory.getDOMCounters");
    return { nodes, heap: (await session.send("Runtime.getHeapUsage")).usedSize };
  };
  const decide = async (times) => {
    for (let time = 0; time < times; time += 1) {
      await off("grok");
      await fetch(`${stage.page}switches/grok?actor=ada`, { method: "DELETE" });
    }
    const last = (await stage.status).events.at(-1);
    await eventually("the last one is shown", () => page.locator(`#timeline time[datetime="${new Date(last.at * 1000).toISOString()}"]`).count());
  };
  await decide(200);
  const hour = await size();
  await decide(1000);
  const day = await size();
  assert.ok(day.nodes < hour.nodes * 1.25, `${hour.nodes} nodes became ${day.nodes}`);
  assert.ok(day.heap < hour.heap * 1.5 + 2e6, `${hour.heap} bytes became ${day.heap}`);
  while (await page.locator("#more").isVisible()) await page.click("#more");
  assert.equal(await page.locator("#timeline li").count(), 300);
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test("readers who stop reading slow nobody down, and cost next to nothing", async () => {
  const resident = async () => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${stage.pid()}/status`, "utf8"))[1]) / 1024;
  const idle = await resident();
  const read = async () => {
    const reader = connect(stage.admin, "127.0.0.1");
    await once(reader, "connect");
    reader.pause();
    reader.on("error", () => {});
    reader.write("GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n");
    return reader;
  };
  const readers = await Promise.all(Array.from({ length: 32 }, read));
  await eventually("no place is left", async () => {
    const one_more = await fetch(`${stage.page}events`);
    await one_more.body.cancel();
    // It may have had the place of one of them, who then was told that there is none.
    if (one_more.status !== 503) readers.push(await read());
    return one_more.status === 503;
  });
  const page = await open(context, stage.page, { expected: (text) => text.includes("503") });
  await waitFor("the page asks instead", page, connection, "Every 5 s");
  const lost = stage.failed;
  for (let time = 0; time < 300; time += 1) {
    await stage.switch({ subject: "grok", reason: "x".repeat(500), actor: "ada" });
    await fetch(`${stage.page}switches/grok?actor=ada`, { method: "DELETE" });
  }
  const grown = (await resident()) - idle;
  assert.ok(grown < 48, `${grown} MiB more`);
  assert.equal(stage.failed, lost, "calls are answered all the while");
  readers.forEach((reader) => reader.destroy());
  await waitFor("places are free", page, connection, "Live");
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test("an older or newer Sidestep, which says less, breaks nothing", async () => {
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.stack));
  await page.route((url) => url.pathname === "/", async (route) => {
    const answer = await route.fetch();
    const state = JSON.stringify({ status: { models: [{ id: "m", provider: "p", verdict: "novel" }], providers: [{ id: "p" }], routes: [{ match: "*" }], switches: [{}], faults: [{}] } });
    await route.fulfill({ response: answer, body: (await answer.text()).replace(/(id="state">).*?(<\/script>)/s, (_, head, tail) => head + state + tail) });
  });
  await page.route((url) => url.pathname !== "/" && !url.pathname.startsWith("/page/"), (route) => route.abort());
  await page.goto(stage.page);
  await eventually("the model", () => page.locator('[aria-label="Model m"]').count());
  assert.match(await headline(page), /novel/);
  assert.deepEqual(complaints, []);
  await page.close();
});
