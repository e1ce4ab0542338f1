// Providers with their models: verdict, why, since when, and what the last fifteen minutes looked like.

import { badge, element, find, keyed, say, set, sparkline } from "./dom.js";
import { duration, milliseconds, moment, percent, verdictWord } from "./words.js";
import { STEPS } from "./store.js";

/** Steps that an error rate is made of: half a minute. */
const RATE = 6;
/** Steps that "now" is made of. */
const NOW = 3;
/** An error rate that fills a picture, at least: one failed call must not look like an outage. */
const ERRORS_TOP = 0.2;

/** `open(subject)` opens the dialog for a switch. */
export function providers(store, open) {
  const { status } = store;
  keyed(find("providers"), status?.providers ?? [], ({ id }) => id, (provider) => card(store, provider.id, open));
}

function card(store, id, open) {
  const verdict = badge();
  const [why, since] = [element("p", { class: "why" }), element("span", { class: "since" })];
  const name = element("h3", {}, id);
  const act = element("button", { type: "button", class: "quiet act" });
  act.addEventListener("click", () => open({ level: "provider", id }));
  const rows = element("div", { class: "models" });
  const node = element("article", { class: "panel provider" },
    element("header", {}, name, verdict.node, since, act), why, rows);
  return {
    node,
    update(provider) {
      verdict.update(provider.verdict, verdictWord(provider.verdict));
      set(node, "data-verdict", provider.verdict);
      say(since, ago(store, provider.since));
      say(why, reason(provider));
      why.hidden = provider.verdict === "healthy" && !provider.switch;
      labelSwitch(act, provider);
      const models = store.status.models.filter((model) => model.provider === id);
      keyed(rows, models, (model) => model.id, (model) => row(store, model.id, open));
    },
  };
}

function row(store, id, open) {
  const verdict = badge();
  const [why, since] = [element("p", { class: "why" }), element("span", { class: "since" })];
  const traffic = meter();
  const errors = figure("Errors", "errors");
  const wait = figure("First token", "wait");
  const act = element("button", { type: "button", class: "quiet act" });
  act.addEventListener("click", () => open({ level: "model", id }));
  const node = element("section", { class: "model", "aria-label": `Model ${id}` },
    element("div", { class: "who" }, element("h4", {}, id), verdict.node, since, why),
    traffic.node, errors.node, wait.node, act);
  return {
    node,
    update(model) {
      const now = model.masked && model.verdict !== "disabled" ? "open" : model.verdict;
      verdict.update(now, model.masked && model.verdict === "healthy" ? "Held back" : verdictWord(now));
      set(node, "data-verdict", now);
      say(since, ago(store, model.since));
      say(why, reason(model));
      why.hidden = now === "healthy" && !model.switch;
      labelSwitch(act, model);
      const history = store.history.models[id] ?? {};
      traffic.update(model, part(store, id));
      drawErrors(errors, history);
      drawWait(wait, history, model);
    },
  };
}

/** What fraction of all attempts of the last steps this model took; `null` when there were none. */
function part(store, id) {
  const taken = (columns) => (columns?.calls ?? []).slice(-NOW).reduce((sum, calls) => sum + (calls ?? 0), 0);
  const all = Object.values(store.history.models).reduce((sum, columns) => sum + taken(columns), 0);
  return all ? taken(store.history.models[id]) / all : null;
}

function meter() {
  const [value, note] = [element("span", { class: "value" }), element("span", { class: "note" })];
  const bar = element("div", { class: "meter", "aria-hidden": "true" }, element("i"));
  const node = element("div", { class: "cell" }, element("span", { class: "label" }, "Traffic now"), value, bar, note);
  return {
    node,
    update(model, ratio) {
      say(value, percent(ratio));
      bar.firstChild.style.width = `${(ratio ?? 0) * 100}%`;
      const limited = model.share < 1 && model.verdict !== "open" && model.verdict !== "disabled" && !model.masked;
      say(note, limited ? `takes ${percent(model.share)} of its own` : `${model.in_flight ?? 0} in flight`);
      set(note, "data-limited", limited);
    },
  };
}

function figure(label, kind) {
  const spark = sparkline(kind, STEPS);
  const [value, note] = [element("span", { class: "value" }), element("span", { class: "note" })];
  const node = element("div", { class: "cell" }, element("span", { class: "label" }, label), value, spark.node, note);
  return { node, spark, value, note };
}

/** The share of failures over half a minute up to each step; `null` where nothing was asked. */
function rates({ calls = [], failures = [] }) {
  return calls.map((_, step) => {
    const from = Math.max(0, step - RATE + 1);
    const sum = (column) => column.slice(from, step + 1).reduce((all, value) => all + (value ?? 0), 0);
    const asked = sum(calls);
    return asked ? sum(failures) / asked : null;
  });
}

function drawErrors({ spark, value, note, node }, history) {
  const drawn = rates(history);
  const [now, most] = [drawn.at(-1) ?? null, Math.max(0, ...drawn)];
  say(value, percent(now));
  set(node, "data-some", (now ?? 0) >= 0.05);
  say(note, most ? `up to ${percent(most)}` : drawn.some((rate) => rate !== null) ? "none in 15 min" : "no calls");
  spark.update(drawn, Math.max(ERRORS_TOP, most), `Errors over 15 minutes: now ${percent(now)}, at most ${percent(most)}`);
}

function drawWait({ spark, value, note }, history, model) {
  const waits = (history.first_token_p50_ms ?? []).map((wait, step, all) => wait ?? (all[step - 1] !== null && all[step + 1] !== null ? all[step - 1] ?? null : null));
  const known = waits.filter((wait) => wait !== null);
  const now = known.at(-1) ?? (model.first_token_p50_seconds ? model.first_token_p50_seconds * 1000 : null);
  const most = Math.max(0, ...known);
  say(value, milliseconds(now));
  say(note, known.length ? `up to ${milliseconds(most)}` : "no streams");
  spark.update(waits, most * 1.15 || 1, `Median first token over 15 minutes: now ${milliseconds(now)}, at most ${milliseconds(most)}`);
}

function labelSwitch(button, subject) {
  const on = Boolean(subject.switch);
  say(button, on ? "Clear switch" : "Switch …");
  set(button, "aria-label", `${on ? "Clear switch on" : "Switch …"} ${subject.id}`);
}

function reason({ why, switch: set_by }) {
  if (!set_by) return why ?? "";
  const word = set_by.kind === "pin" ? "Pinned" : "Switched off";
  return `${word} by ${set_by.actor}: ${set_by.reason}`;
}

/** How long ago, or the time of day when it is long. */
export function ago(store, at) {
  if (!Number.isFinite(at)) return "–";
  const passed = store.now() - at;
  if (passed < 5) return "just now";
  return passed < 3600 ? `${duration(passed < 60 ? passed : Math.floor(passed / 60) * 60)} ago` : moment(at, store.now());
}
