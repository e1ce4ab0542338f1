// What a person does on the page, and sees there.

import { eventually, TOKEN } from "./stage.mjs";

export const headline = (page) => page.locator("#headline").textContent();
export const verdictOf = (page, model) => page.locator(`[aria-label="Model ${model}"] .badge`).textContent();
export const connection = (page) => page.locator("#link-words").textContent();

export function waitFor(what, page, look, wanted) {
  return eventually(`${what} (${wanted})`, async () => {
    const seen = await look(page);
    return wanted instanceof RegExp ? wanted.test(seen) : seen === wanted;
  });
}

/** Presses Tab until the control of this name has the focus. */
export async function tabTo(page, name) {
  for (let presses = 0; presses < 200; presses += 1) {
    const focused = await page.evaluate(() => {
      const on = document.activeElement;
      return on?.getAttribute("aria-label") ?? on?.textContent;
    });
    if (focused === name) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no Tab leads to ${name}`);
}

/** Fills the dialog that is open, and sends it. */
export async function fill(page, { reason, actor = "ada", token = TOKEN }) {
  if (reason) await page.fill("#switch-reason", reason);
  await page.fill("#switch-actor", actor);
  await page.fill("#switch-token", token);
  await page.click("#switch-submit");
}
