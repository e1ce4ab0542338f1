// The first sentence: is anything ill, what did Sidestep do about it, are users affected?

import { element, find, keyed, picture, say, set } from "./dom.js";
import { unheard } from "./feed.js";
import { calls, clock, count, list, percent, plural, verdictWord, worse } from "./words.js";
import { STEPS } from "./store.js";

/** Steps that "the last 5 minutes" are made of. */
const RECENT = 60;
/** Steps within which a lost call still means that calls are being lost. */
const FRESH = 12;
/** Between two announcements to a screen reader. */
const QUIET_MS = 10000;
const ICONS = { well: "well", watch: "watch", ill: "ill", hurt: "ill" };

let announced = { gist: null, at: 0 };

export function headline(store, link) {
  const { status } = store;
  const heard = status ? tell(store) : { ill: "nothing.", rest: "", gist: "" };
  const told = unheard(link) || !status ? { ...heard, ...unreachable(heard, link) } : heard;
  const hero = find("hero");
  set(hero, "data-tone", told.tone);
  set(find("hero-mark"), "href", `#v-${told.mark}`);
  const title = find("headline");
  const text = `${told.ill} ${told.rest}`;
  if (title.textContent !== text) {
    title.replaceChildren(element("strong", {}, told.ill), " ", element("span", {}, told.rest));
  }
  say(find("kicker"), told.practice ? "Now · rehearsal" : "Now");
  document.title = told.tone === "well" ? "Well · Sidestep" : `${told.tone === "watch" ? "▲" : "✕"} ${told.ill} · Sidestep`;
  set(find("icon"), "href", `/page/${ICONS[told.tone]}.svg`);
  announce(told);
}

/** What is known is old: it must not look well when nobody knows. */
function unreachable({ ill, rest, gist }, { lostAt }) {
  const since = lostAt ? ` since ${clock(lostAt / 1000)}` : "";
  return { tone: "watch", mark: "half_open", ill: `Sidestep cannot be reached${since}.`, rest: `What it said last: ${ill} ${rest}`, gist: `unreachable ${gist}` };
}

/** Only what is new in kind, and not in numbers, is worth an interruption. */
function announce({ gist, ill, rest }) {
  const now = Date.now();
  if (gist === announced.gist || now - announced.at < QUIET_MS) return;
  const first = announced.gist === null;
  announced = { gist, at: now };
  if (!first) say(find("announcer"), `${ill} ${rest}`);
}

function tell(store) {
  const { status } = store;
  const ill = subjects(status);
  const stuck = (status.routes ?? []).filter(({ order }) => order?.length && !order.some(({ eligible }) => eligible));
  const now = store.totals(RECENT);
  const losing = store.totals(FRESH).lost > 0;
  const practice = (status.faults ?? []).length > 0;
  const worst = ill[0];
  let tone = "well";
  if (worst) tone = worst.verdict === "open" || worst.verdict === "half_open" ? "ill" : "watch";
  if (status.frozen_until || status.ready === false) tone = tone === "well" ? "watch" : tone;
  if (losing && (ill.length || now.lost > 0.005 * now.all)) tone = "hurt";
  if (stuck.length) tone = "hurt";
  const first = stuck.length ? `Nobody can take calls on ${list(stuck.map(({ match }) => match))}.` : whatIsIll(status, ill);
  return {
    tone, practice, ill: first,
    mark: tone === "hurt" ? "open" : worst?.verdict ?? (tone === "well" ? "healthy" : "degraded"),
    rest: [whatWasDone(status, ill, now, stuck), whoIsAffected(now, ill)].filter(Boolean).join(" "),
    gist: JSON.stringify([tone, ill.map(({ name, verdict }) => [name, verdict]), stuck.length, practice]),
  };
}

/** Providers and models that are not healthy, the worst first; a provider stands for its models. */
function subjects(status) {
  const found = [];
  const whole = new Set();
  for (const provider of status.providers ?? []) {
    const models = status.models.filter((model) => model.provider === provider.id);
    const all = models.length > 1 && models.every(({ verdict }) => verdict === models[0].verdict) ? models[0].verdict : "healthy";
    const verdict = worse(provider.verdict, all) <= 0 ? provider.verdict : all;
    if (verdict === "healthy" || verdict === undefined) continue;
    whole.add(provider.id);
    found.push({ name: provider.id, verdict, models, switch: provider.switch });
  }
  for (const model of status.models) {
    if (whole.has(model.provider) || model.verdict === "healthy") continue;
    const twin = status.models.filter(({ provider }) => provider === model.provider).length === 1 || model.id === model.provider;
    found.push({ name: twin ? model.id : `${model.id} at ${model.provider}`, verdict: model.verdict, models: [model], switch: model.switch, share: model.share });
  }
  return found.sort((a, b) => worse(a.verdict, b.verdict));
}

function whatIsIll(status, ill) {
  if (status.frozen_until) return "This host itself seems to be cut off; verdicts wait until it is back.";
  if (!ill.length) return status.ready === false ? `Sidestep is ${status.readiness ?? "not ready"}.` : "Everything is well.";
  const verdicts = [...new Set(ill.map(({ verdict }) => verdict))];
  const told = verdicts.slice(0, 2).map((verdict) => sentence(verdict, ill.filter((one) => one.verdict === verdict)));
  const others = ill.filter(({ verdict }) => !verdicts.slice(0, 2).includes(verdict)).length;
  if (others) told.push(`${others} more ${others === 1 ? "is" : "are"} not well`);
  return `${told.join("; ")}.`;
}

function sentence(verdict, same) {
  const names = list(same.map(({ name }) => name));
  const is = plural(same, "is", "are");
  const by = same.length === 1 && same[0].switch?.actor;
  const coming = same.length === 1 && same[0].share !== undefined ? `, at ${percent(same[0].share)} of its traffic` : "";
  return {
    open: `${names} ${is} out of service`,
    half_open: `${names} ${is} out of service and being tested`,
    disabled: by ? `${names} was switched off by ${by}` : `${names} ${is} switched off`,
    ramping: `${names} ${is} coming back${coming}`,
    degraded: `${names} ${plural(same, "fails", "fail")} more than usual`,
  }[verdict] ?? `${names}: ${verdictWord(verdict)}`;
}

/** Who answers in place of those that are ill. */
function whatWasDone(status, ill, now, stuck) {
  if (!ill.length || stuck.length) return "";
  const away = new Set(ill.filter(({ verdict }) => verdict !== "degraded").flatMap(({ models }) => models.map(({ id }) => id)));
  const instead = new Set();
  for (const { order = [] } of status.routes ?? []) {
    const next = order.find(({ eligible }) => eligible);
    if (!next || away.has(next.model)) continue;
    // Whoever comes after the one that answers was not asked before either.
    if (order.some(({ model, place }) => away.has(model) && !(place > next.place))) instead.add(next.model);
  }
  const moved = now.rerouted + now.rescued;
  const times = moved ? ` (${calls(moved)} in the last 5 minutes)` : "";
  if (instead.size) return `Sidestep sends ${ill.length === 1 ? "its" : "their"} calls to ${list([...instead])}${times}.`;
  if (moved) return `Sidestep moved ${calls(moved)} to others in the last 5 minutes.`;
  return "No call had to be moved.";
}

function whoIsAffected({ lost, all }, ill) {
  if (!all) return "No application has called in the last 5 minutes.";
  if (!lost) return ill.length ? "Users are not affected: no call was lost." : "No call was lost in the last 5 minutes.";
  return `Users are affected: ${count(lost)} of ${calls(all)} (${percent(lost / all)}) were lost in the last 5 minutes.`;
}

const LAYERS = [["lost", ["cut", "failed", "refused"]], ["moved", ["rerouted", "rescued"]], ["first", ["answered"]]];
const FIGURES = [
  ["Calls", (now) => count(now.all), () => "in the last 5 minutes"],
  ["First choice", (now) => percent(now.all ? now.answered / now.all : null), (now) => `${count(now.answered)} answered as configured`],
  ["Rerouted", (now) => count(now.rerouted), () => "answered by another model"],
  ["Rescued", (now) => count(now.rescued), () => "finished by another model"],
  ["Lost", (now) => count(now.lost), () => "failed, cut or refused"],
];

export function traffic(store) {
  const now = store.totals(RECENT);
  keyed(find("figures"), FIGURES, ([name]) => name, ([name, value, note]) => {
    const [dd, small] = [element("dd"), element("dd", { class: "note" })];
    const node = element("div", { class: `figure f-${name.split(" ").at(-1).toLowerCase()}` }, element("dt", {}, name), dd, small);
    return { node, update: () => { say(dd, value(store.totals(RECENT))); say(small, note(store.totals(RECENT))); set(node, "data-some", name === "Lost" && store.totals(RECENT).lost > 0); } };
  });
  chart(store, now);
}

/** Stacked: lost at the bottom, where it cannot be overlooked, then moved, then first choice. */
function chart({ history }, now) {
  const steps = history.at.length;
  let base = Array(steps).fill(0);
  const layers = LAYERS.map(([name, parts]) => {
    const from = base;
    base = from.map((value, step) => value + parts.reduce((sum, part) => sum + (history.calls[part]?.[step] ?? 0), 0));
    return { name, from, to: base };
  });
  const top = Math.max(1, ...base);
  const point = (step, value) => `${STEPS - steps + step} ${(60 - (value / top) * 58).toFixed(1)}`;
  const edge = (values) => values.map((value, step) => point(step, value));
  const areas = layers.map(({ name, from, to }) => ({ name, path: steps > 1 ? `M${edge(to).join("L")}L${edge(from).reverse().join("L")}Z` : "" }));
  keyed(find("calls"), areas, ({ name }) => name, ({ name }) => {
    const node = picture("path", { class: `k-${name}` });
    return { node, update: ({ path }) => set(node, "d", path) };
  });
  set(find("calls"), "aria-label", `Calls over the last 15 minutes. In the last 5: ${calls(now.all)}, ${count(now.rerouted + now.rescued)} moved, ${count(now.lost)} lost.`);
}
