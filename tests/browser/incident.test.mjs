// The page through a whole incident, as it is seen on a desk, in the dark and on a phone, without a reload.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { headline, verdictOf, waitFor } from "./actions.mjs";
import { findings, launch, open, picture } from "./browser.mjs";
import { eventually, Stage } from "./stage.mjs";

const DESK = { viewport: { width: 1280, height: 900 } };
const LOOKS = {
  light: { ...DESK, colorScheme: "light" },
  dark: { ...DESK, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: "light" },
};
let stage, browser;
const pages = {};

before(async () => {
  [stage, browser] = await Promise.all([Stage.start(), launch()]);
  stage.call(20);
  for (const [name, look] of Object.entries(LOOKS)) {
    pages[name] = await open(await browser.newContext({ reducedMotion: "reduce", ...look }), stage.page);
    await pages[name].evaluate(() => { window.loadedOnce = true; });
  }
});
after(async () => {
  await browser?.close();
  await stage?.stop();
});

async function shown(name) {
  for (const [look, page] of Object.entries(pages)) {
    await picture(page, `${name}-${look}`);
    assert.deepEqual(await findings(page), [], `${name}, ${look}: axe`);
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(sideways <= 0, `${name}, ${look}: ${sideways} pixels too wide`);
  }
}

const drawn = (page) => page.evaluate(() => ({
  errors: document.querySelector('[aria-label="Model opus"] .errors .line').getAttribute("d"),
  calls: document.querySelector("#calls .k-moved")?.getAttribute("d"),
  decisions: document.querySelectorAll("#timeline li").length,
}));

test("all is well, and the page says so first", async () => {
  const page = pages.light;
  await waitFor("the first sentence", page, headline, /^Everything is well\. No call was lost/);
  assert.equal(await page.title(), "Well · Sidestep");
  await eventually("a picture of errors, flat", async () => (await drawn(page)).errors?.includes("L"));
  await shown("well");
});

test("an incident shows by itself: the sentence, verdicts, pictures, decisions, the incident", async () => {
  const page = pages.light;
  const earlier = await drawn(page);
  for (const model of ["claude-opus-5-5", "claude-haiku-5-5"]) {
    await stage.fault("anthropic", model, { fault: "status", status: 529, rate: 1 });
  }
  await waitFor("the first sentence", page, headline, /^anthropic is out of service\. Sidestep sends its calls to gpt and luna/);
  await waitFor("the verdict", page, (page) => verdictOf(page, "opus"), /Out of service|Being tested/);
  assert.match(await page.title(), /^✕ anthropic is out of service/);
  await eventually("the pictures move", async () => {
    const now = await drawn(page);
    return now.errors !== earlier.errors && now.calls !== earlier.calls && now.decisions > earlier.decisions;
  });
  await eventually("the incident", () => page.locator(".incident:not([data-over])").count());
  assert.match(await page.locator("#routes > li").first().textContent(), /claude-opus-\*gpt.*opusskipped/);
  assert.equal(stage.failed, 0, "no call was lost, as the page says");
  assert.match(await headline(page), /Users are not affected: no call was lost\./);
  await shown("incident");
});

test("a rehearsal is loud", async () => {
  await stage.heal();
  await stage.command("fault", "luna", "--status", "500", "--rate", "0.1", "--for", "5m", "--reason", "game day", "--even-all");
  const page = pages.light;
  await eventually("the banner", async () => /luna.*10 %.*Not a real outage.*game day/.test(await page.locator("#rehearsals").textContent()));
  assert.ok(await page.locator("#rehearsals").isVisible());
  assert.match(await page.locator("#kicker").textContent(), /rehearsal/);
  await shown("rehearsal");
  await stage.command("fault", "--clear");
  await eventually("the banner goes", async () => !(await page.locator("#rehearsals").isVisible()));
});

test("it comes back, and nothing was reloaded or complained about", async () => {
  const page = pages.light;
  await eventually("coming back", async () => (await page.locator("#timeline").textContent()).includes("coming back"));
  await waitFor("the first sentence", page, headline, /^Everything is well/);
  await eventually("the incident is over", () => page.locator(".incident[data-over]").count());
  for (const [look, page] of Object.entries(pages)) {
    assert.ok(await page.evaluate(() => window.loadedOnce), `${look}: loaded once`);
    assert.deepEqual(page.complaints, [], look);
  }
});
