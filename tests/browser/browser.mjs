// A real Chromium, and pages of which every complaint is kept.

import { createRequire } from "node:module";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
export const pictures = join(dirname(fileURLToPath(import.meta.url)), "../../target/status-page");
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync",
];

export async function launch(more = []) {
  await mkdir(pictures, { recursive: true });
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...FLAGS, ...more] });
}

/** A page, whose `complaints` gather what the console, the policy and scripts have to say. */
export async function open(context, url, { expected = () => false } = {}) {
  const page = await context.newPage();
  page.complaints = [];
  const complain = (text) => { if (!expected(text)) page.complaints.push(text); };
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) complain(message.text()); });
  page.on("pageerror", (error) => complain(`${error.stack ?? error}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(url);
  return page;
}

/** What axe finds serious or critical. It comes in past the policy, as a tool of the browser does. */
export async function findings(page) {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId: contextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
  const run = async (expression, awaitPromise = false) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, contextId, awaitPromise, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await run(axe);
  const told = await run("axe.run(document, { resultTypes: ['violations'] })", true);
  await session.detach();
  if (told.passes.length < 10) throw new Error("axe looked at next to nothing");
  const serious = told.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
}

export async function picture(page, name, options = {}) {
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, animations: "disabled", ...options });
}
