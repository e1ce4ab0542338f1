// The dialog for switches. The token lives in memory and in this tab's session storage, and goes into one header.

import { element, find, say, set } from "./dom.js";
import { list } from "./words.js";

const TOKEN = "sidestep-token";
const ACTOR = "sidestep-actor";
let chosen = null;

export function prepareSwitching(store, changed) {
  const dialog = find("switch");
  find("switch-form").addEventListener("submit", (event) => {
    event.preventDefault();
    send(store).then((done) => { if (done) { dialog.close(); changed(); } });
  });
  find("switch-cancel").addEventListener("click", () => dialog.close());
  // Outside of it: the dialog's own area is all its form.
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { find("switch-token").value = ""; });
  for (const id of ["switch-reason", "switch-actor", "switch-for", "switch-kind"]) find(id).addEventListener("input", () => describe(store));
  find("switch-copy").addEventListener("click", copy);
}

/** Opens it for a subject: to set a switch, or to clear the one that is set. */
export function openSwitch(store, subject) {
  const { status, changeable } = store;
  const set_now = (status?.switches ?? []).find(({ level, subject: id }) => level === subject.level && id === subject.id);
  chosen = { ...subject, clear: Boolean(set_now) };
  chosen.set_now = set_now;
  find("switch-kind").value = "disable";
  find("switch-fields").hidden = !changeable;
  find("switch-instead").hidden = changeable;
  find("switch-submit").hidden = !changeable;
  for (const row of ["kind", "reason", "for"]) find(`switch-${row}-row`).hidden = chosen.clear;
  find("switch-reason").value = "";
  find("switch-actor").value = stored(localStorage, ACTOR);
  find("switch-token").value = stored(sessionStorage, TOKEN);
  say(find("switch-cancel"), changeable ? "Cancel" : "Close");
  wrong("");
  describe(store);
  find("switch").showModal();
  const first = [!chosen.clear && "switch-reason", "switch-actor", "switch-token"].find((id) => id && !find(id).value);
  find(changeable ? first ?? "switch-submit" : "switch-copy").focus();
}

/** What is about to happen, and what to type for it. */
function describe(store) {
  const { clear, id, set_now } = chosen;
  const pin = find("switch-kind").value === "pin";
  const [title, button] = clear ? [`Clear the switch on ${id}`, "Clear switch"] : pin ? [`Keep ${id} in service`, "Keep in service"] : [`Switch off ${id}`, "Switch off"];
  say(find("switch-title"), title);
  say(find("switch-submit"), button);
  set(find("switch-submit"), "class", clear || pin ? "strong" : "strong danger");
  const [words, grave] = clear ? [given(set_now)] : pin ? ["It gets its calls even while they fail."] : effect(store, chosen);
  say(find("switch-effect"), words);
  set(find("switch-effect"), "data-grave", grave);
  command(pin);
}

/** What switching it off does, and whether somebody is left with nobody. */
function effect({ status }, { level, id }) {
  const gone = new Set(status.models.filter((model) => (level === "provider" ? model.provider : model.id) === id).map((model) => model.id));
  const [instead, without] = [new Set(), []];
  for (const { match, order = [] } of status.routes ?? []) {
    if (!order.some(({ model }) => gone.has(model))) continue;
    const next = order.find(({ model, eligible }) => eligible && !gone.has(model));
    if (next) instead.add(next.model);
    else without.push(match);
  }
  const who = instead.size ? `Its calls go to ${list([...instead])} from the next request on.` : "";
  if (without.length) return [`${who} Nobody is left for ${list(without)}: calls there will be refused.`.trim(), true];
  return [who || "No route uses it.", false];
}

const given = ({ actor, reason }) => `Set by ${actor}: ${reason}. The evidence decides again.`;

/** What to type in a shell for the same. */
function command(pin) {
  const { clear, level, id } = chosen;
  // A model may bear its provider's name, and the provider's goes first.
  const name = quoted(level === "model" ? `model:${id}` : id);
  const time = find("switch-for").value;
  const length = time ? ` --for ${time % 3600 ? `${time / 60}m` : `${time / 3600}h`}` : "";
  const reason = find("switch-reason").value.trim() || "why";
  const verb = pin ? `enable ${name} --pin` : `disable ${name}`;
  say(find("switch-command"), `sidestep ${clear ? `enable ${name}` : `${verb}${length} --reason ${quoted(reason)}`}`);
}

const quoted = (text) => (/^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

async function copy() {
  const text = find("switch-command").textContent;
  try {
    await navigator.clipboard.writeText(text);
    say(find("switch-copy"), "Copied");
  } catch {
    // Not allowed, or no secure context: it is marked for the keyboard instead.
    getSelection().selectAllChildren(find("switch-command"));
    say(find("switch-copy"), "Selected");
  }
  setTimeout(() => say(find("switch-copy"), "Copy"), 2000);
}

async function send(store) {
  const [reason, actor, token] = ["reason", "actor", "token"].map((name) => find(`switch-${name}`).value.trim());
  if (!chosen.clear && !reason) return wrong("Say why: whoever comes after you wants to know.", "switch-reason");
  if (!actor) return wrong("Say who you are.", "switch-actor");
  if (!token) return wrong("The token is missing.", "switch-token");
  if (/[^\x20-\x7e]/.test(token)) return wrong("The token is wrong. Nothing was changed.", "switch-token");
  const name = `${chosen.level}:${chosen.id}`;
  const time = find("switch-for").value;
  const wish = { subject: name, kind: find("switch-kind").value, reason, actor, ...(time ? { for_seconds: Number(time) } : {}) };
  const [path, options] = chosen.clear
    ? [`/switches/${encodeURIComponent(name)}?actor=${encodeURIComponent(actor)}`, { method: "DELETE" }]
    : ["/switches", { method: "POST", body: JSON.stringify(wish) }];
  find("switch-submit").disabled = true;
  try {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(20000) });
    const told = await answer.json().catch(() => ({}));
    if (answer.status === 401) return wrong("The token is wrong. Nothing was changed.", "switch-token");
    if (!answer.ok) return wrong(told.error ?? `Sidestep answered ${answer.status}. Nothing was changed.`);
    keep(sessionStorage, TOKEN, token);
    keep(localStorage, ACTOR, actor);
    if (store.status && Array.isArray(told.switches)) store.status.switches = told.switches;
    return true;
  } catch {
    return wrong("No answer. Whether it took effect is shown here as soon as Sidestep is back.");
  } finally {
    find("switch-submit").disabled = false;
  }
}

function wrong(text, field) {
  // Emptied first, so that the same words are announced again.
  find("switch-wrong").replaceChildren(...(text ? [element("span", {}, text)] : []));
  for (const id of ["switch-reason", "switch-actor", "switch-token"]) set(find(id), "aria-invalid", id === field);
  if (field) {
    set(find(field), "aria-describedby", "switch-wrong");
    find(field).focus();
  }
  return false;
}

function stored(storage, name) {
  try {
    return storage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

function keep(storage, name, value) {
  try {
    storage.setItem(name, value);
  } catch {
    // Not kept, then: it is asked for again.
  }
}
