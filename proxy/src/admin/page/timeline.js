// Decisions, newest first: what, whose, by whom and why.

import { element, find, keyed, mark, say, set } from "./dom.js";
import { moment, VERDICTS, verdictWord } from "./words.js";

/** Decisions that are shown at first, and with each "show older". */
const PAGE = 40;
const KINDS = {
  verdict: ["health", ""], stage: ["health", "Ramp"], provider: ["health", "Provider"], credential: ["health", "Credential"],
  switch: ["people", "Switch"], rehearsal: ["people", "Rehearsal"], traffic: ["traffic", "Traffic"],
  freeze: ["sidestep", "Frozen"], config: ["sidestep", "Configuration"], process: ["sidestep", ""], probes: ["sidestep", "Probes"],
};

let shown = PAGE;

export function timeline(store) {
  const wanted = find("filter").value;
  const fitting = store.entries.filter(({ kind }) => !wanted || (KINDS[kind]?.[0] ?? "sidestep") === wanted);
  const entries = fitting.slice(0, shown);
  keyed(find("timeline"), entries, ({ key }) => key, (entry) => ({ node: item(entry, store.now()) }));
  set(find("timeline"), "data-empty", !entries.length);
  const older = find("more");
  older.hidden = fitting.length <= entries.length;
  say(older, `Show older (${fitting.length - entries.length})`);
}

export function followTimeline(draw) {
  find("filter").addEventListener("change", () => { shown = PAGE; draw(); });
  find("more").addEventListener("click", () => {
    const before = find("timeline").children.length;
    shown += PAGE;
    draw();
    // The button may be gone: the focus goes to what it brought.
    const first = find("timeline").children[before];
    if (first) { first.tabIndex = -1; first.focus(); }
  });
}

function item(entry, now) {
  const shape = mark();
  shape.update(shapeOf(entry));
  const time = element("time", { datetime: new Date(entry.at * 1000).toISOString(), title: new Date(entry.at * 1000).toISOString() }, moment(entry.at, now));
  const head = element("p", { class: "what" }, element("b", {}, entry.subject ?? ""), ` ${what(entry)}`);
  // A step of a ramp is all said by its reason.
  const why = element("p", { class: "why" }, entry.kind === "stage" ? "" : entry.why ?? "");
  why.hidden = !why.textContent;
  if (entry.actor) head.append(element("span", { class: "by" }, ` by ${entry.actor}`));
  return element("li", { "data-verdict": shapeOf(entry), "data-kind": entry.kind }, time, shape.node, element("div", {}, head, why));
}

function what({ kind, from, to, why }) {
  const label = KINDS[kind]?.[1] ?? kind ?? "";
  if (kind === "stage") return why ?? "takes another share";
  // Between two models, of which one took the calls of the other.
  if (kind === "traffic") return from && to && from !== to ? `${from} → ${to}` : label;
  if (!VERDICTS[to]) return [label, to].filter(Boolean).join(" ");
  const change = from && from !== to ? `${verdictWord(from).toLowerCase()} → ` : "";
  return `${kind === "verdict" || kind === "provider" ? "" : `${label}: `}${change}${verdictWord(to).toLowerCase()}`;
}

function shapeOf({ kind, to }) {
  if (VERDICTS[to]) return to;
  return { traffic: "ramping", switch: "disabled", rehearsal: "half_open", freeze: "half_open" }[kind] ?? "pinned";
}
