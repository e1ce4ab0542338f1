// Switches from the page: with the token, with a wrong one, with none, by keyboard alone, and from foreign pages.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { fill, tabTo, verdictOf, waitFor } from "./actions.mjs";
import { findings, launch, open, picture } from "./browser.mjs";
import { eventually, Stage, TOKEN } from "./stage.mjs";

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

const gpt = (page) => verdictOf(page, "gpt");
const set_now = async () => (await stage.status).switches.map(({ subject, actor, reason }) => ({ subject, actor, reason }));

test("a provider is switched off and on again by keyboard alone", async () => {
  const page = await open(context, stage.page);
  await tabTo(page, "Switch … openai");
  await page.keyboard.press("Enter");
  await page.keyboard.type("529s since 10:02");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type("ada");
  await page.keyboard.press("Tab");
  await page.keyboard.type(TOKEN);
  assert.match(await page.locator("#switch-command").textContent(), /^sidestep disable openai --for 30m --reason '529s since 10:02'$/);
  assert.deepEqual(await findings(page), []);
  await picture(page, "dialog", { fullPage: false });
  await page.keyboard.press("Enter");
  await waitFor("the verdict", page, gpt, "Switched off");
  assert.equal(await page.locator("#switch").isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Clear switch", "the focus is where it was");
  assert.deepEqual(await set_now(), [{ subject: "openai", actor: "ada", reason: "529s since 10:02" }]);
  await eventually("the decision", async () => /openai|gpt/.test(await page.locator("#timeline li").first().textContent()));
  await page.keyboard.press("Enter");
  // Name and token are known in this tab by now.
  await eventually("the dialog", () => page.locator("#switch").isVisible());
  await page.keyboard.press("Enter");
  await waitFor("the verdict", page, gpt, "Healthy");
  assert.deepEqual(await set_now(), []);
  const kept = await page.evaluate(() => JSON.stringify([location.href, { ...localStorage }, document.cookie, history.state]));
  assert.ok(!kept.includes(TOKEN), "the token is in this tab's memory alone");
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test("a model is kept in service", async () => {
  const page = await open(context, stage.page);
  await page.click('[aria-label="Switch … opus"]');
  await page.selectOption("#switch-kind", "pin");
  await fill(page, { reason: "the verdict is wrong" });
  await eventually("the switch", async () => /opus is kept in full service/.test(await page.locator("#switches").textContent()));
  await page.click('#switches [aria-label="Clear switch on opus"]');
  await fill(page, {});
  await eventually("none", async () => (await set_now()).length === 0);
  await page.close();
});

test("a wrong token changes nothing, and says so", async () => {
  const page = await open(context, stage.page, { expected: (text) => text.includes("401") });
  for (const token of ["wrong", "Ω"]) {
    await page.click('[aria-label="Switch … openai"]');
    await fill(page, { reason: "r", token });
    await eventually("the message", async () => (await page.locator("#switch-wrong").textContent()) === "The token is wrong. Nothing was changed.");
    assert.equal(await page.evaluate(() => document.activeElement.id), "switch-token");
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Switch … openai");
  }
  assert.deepEqual(await set_now(), []);
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test("what somebody writes stays text", async () => {
  const page = await open(context, stage.page);
  const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
  await stage.switch({ subject: "grok", reason: hostile, actor: hostile });
  await eventually("the reason", async () => (await page.locator("#switches").textContent()).includes(hostile));
  const again = await open(context, stage.page);
  for (const shown of [page, again]) {
    assert.equal(await shown.locator("main img, main script").count(), 0);
    assert.notEqual(await shown.title(), "owned");
    assert.deepEqual(shown.complaints, []);
    await shown.close();
  }
  await stage.command("enable", "grok");
});

test("a foreign page can neither change, read nor frame anything", async () => {
  const admin = stage.page;
  const script = `const tried = [];
    const wish = JSON.stringify({ subject: "openai", reason: "r", actor: "mallory" });
    const ask = (path, options) => fetch("${admin}" + path, options).then((answer) => tried.push(answer.type), () => tried.push("refused"));
    Promise.all([
      ask("switches", { method: "POST", mode: "no-cors", body: wish }),
      ask("switches", { method: "POST", body: wish, headers: { "content-type": "application/json" } }),
      ask("switches", { method: "POST", body: wish, headers: { authorization: "Bearer ${TOKEN}" } }),
      ask("switches/openai?actor=mallory", { method: "DELETE" }),
      ask("status"), ask("history"), ask("incidents"),
    ]).then(() => { document.title = tried.join(); });
    const form = Object.assign(document.createElement("form"), { method: "post", action: "${admin}switches", enctype: "text/plain", target: "frame" });
    form.append(Object.assign(document.createElement("input"), { name: wish.slice(0, -1) + ',"x":"', value: '"}' }));
    document.body.append(form);
    form.submit();`;
  const html = `<body><iframe name="frame"></iframe><iframe id="page" src="${admin}"></iframe><script>${script}</script>`;
  const foreign = createServer((_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end(html)).listen(0, "127.0.0.1");
  await once(foreign, "listening");
  const page = await open(context, `http://localhost:${foreign.address().port}/`);
  await eventually("all was tried", async () => /^((opaque|refused),?){7}$/.test(await page.title()));
  assert.equal((await page.title()).split(",").filter((type) => type === "opaque").length, 1, "and what was sent blindly gave nothing to read");
  await eventually("the frame stays empty", () => page.complaints.some((text) => text.includes("frame-ancestors")));
  assert.deepEqual(await set_now(), [], "nothing was changed");
  await page.close();
  foreign.close();
});

test("a name that was made to mean this machine gets nothing", async () => {
  const steered = await launch(["--host-resolver-rules=MAP rebound.example 127.0.0.1"]);
  const page = await (await steered.newContext()).newPage();
  const answer = await page.goto(stage.page.replace("127.0.0.1", "rebound.example"));
  assert.equal(answer.status(), 421);
  await steered.close();
});

test("without a token the page says how to get one, and what to type instead", async () => {
  const closed = await Stage.start({ token: false });
  try {
    const page = await open(context, closed.page);
    await page.click('[aria-label="Switch … openai"]');
    assert.ok(await page.locator("#switch-instead").isVisible());
    assert.equal(await page.locator("#switch-submit").isVisible(), false);
    assert.match(await page.locator("#switch-instead").textContent(), /admin:\s+token: \{ env: SIDESTEP_ADMIN_TOKEN \}/);
    assert.equal(await page.locator("#switch-command").textContent(), "sidestep disable openai --for 30m --reason why");
    assert.deepEqual(await findings(page), []);
    await picture(page, "dialog-without-token", { fullPage: false });
    assert.deepEqual(page.complaints, []);
  } finally {
    await closed.stop();
  }
});
