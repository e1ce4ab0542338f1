// Routes, incidents, switches and rehearsals as they stand.

import { badge, element, find, keyed, mark, say, set } from "./dom.js";
import { calls, count, duration, list, moment, percent, verdictWord } from "./words.js";
import { unheard } from "./feed.js";
import { ago } from "./models.js";

/** Seconds after which an incident that is over is no news any more. */
const OLD_S = 1800;

/** By model, as of the latest status. */
let verdicts = new Map();

export function routes({ status }) {
  const shown = (model) => (model.masked && model.verdict === "healthy" ? "open" : model.verdict);
  verdicts = new Map((status?.models ?? []).map((model) => [model.id, shown(model)]));
  keyed(find("routes"), status?.routes ?? [], (route) => route.match, (route) => {
    const order = element("ol", { class: "order" });
    const node = element("li", {}, element("code", { class: "match" }, route.match), order);
    return { node, update: ({ order: targets = [] }) => keyed(order, targets, ({ model }) => model, ({ model }) => target(model)) };
  });

  function target(id) {
    const shape = mark();
    const note = element("small");
    const node = element("li", {}, shape.node, element("span", {}, id), note);
    return {
      node,
      update({ eligible, weight, share }) {
        const verdict = verdicts.get(id) ?? "healthy";
        shape.update(verdict);
        set(node, "data-verdict", verdict);
        set(node, "data-eligible", eligible);
        const words = [!eligible && "skipped", eligible && share < 1 && percent(share), weight !== null && weight !== undefined && `weight ${weight}`];
        say(note, words.filter(Boolean).join(", "));
        set(node, "title", verdictWord(verdict));
      },
    };
  }
}

export function incidents(store) {
  const recent = [...store.incidents.values()].filter(({ ended }) => !ended || store.now() - ended < OLD_S);
  recent.sort((a, b) => !b.ended - !a.ended || b.started - a.started);
  find("incidents-part").hidden = !recent.length;
  keyed(find("incidents"), recent, ({ id }) => id, ({ id }) => {
    const [title, state, facts] = [element("h3"), element("span", { class: "tag" }), element("p", { class: "facts" })];
    const models = element("ul", { class: "chips" });
    const more = element("a", { href: `/incidents/${encodeURIComponent(id)}` }, id);
    const node = element("li", { class: "panel incident" }, element("header", {}, title, state), models, facts, element("p", { class: "note" }, more));
    return { node, update: (incident) => update(incident, { node, title, state, facts, models }) };
  });

  function update(incident, { node, title, state, facts, models }) {
    say(title, incident.title ?? incident.id);
    set(node, "data-over", Boolean(incident.ended));
    set(node, "data-scope", incident.scope);
    const lasted = (incident.ended ?? store.now()) - incident.started;
    say(state, incident.ended ? `over after ${duration(lasted)}` : `for ${duration(lasted < 60 ? lasted : Math.floor(lasted / 60) * 60)}`);
    keyed(models, incident.models ?? [], (model) => model.id, (model) => {
      const shown = badge();
      return { node: element("li", {}, shown.node), update: (now) => shown.update(incident.ended ? now.worst : now.verdict ?? now.worst, `${model.id}: ${verdictWord(incident.ended ? now.worst : now.verdict ?? now.worst).toLowerCase()}`) };
    });
    say(facts, cost(incident));
  }
}

function cost({ calls: made = {}, extra = {}, rehearsal }) {
  const lost = (made.refused ?? 0) + (made.failed ?? 0) + (made.cut ?? 0);
  const facts = [
    rehearsal && "Rehearsal",
    `${count(made.rerouted ?? 0)} rerouted`, `${count(made.rescued ?? 0)} rescued`,
    lost ? `${calls(lost)} lost` : "no call lost",
    extra.tokens ? `${count(extra.tokens)} extra tokens` : null,
    Number.isFinite(extra.usd) && Math.abs(extra.usd) >= 0.005 ? `${extra.usd > 0 ? "+" : "−"}$${Math.abs(extra.usd).toFixed(2)}` : null,
  ];
  return facts.filter(Boolean).join(" · ");
}

/** `clear(switch)` opens the dialog that takes a switch away. */
export function switches(store, clear) {
  const set_now = store.status?.switches ?? [];
  find("switches-part").hidden = !set_now.length;
  keyed(find("switches"), set_now, ({ level, subject }) => `${level}:${subject}`, (shown) => {
    const [title, why, left] = [element("h3"), element("p", { class: "why" }), element("span", { class: "tag" })];
    const button = element("button", { type: "button", class: "quiet", "aria-label": `Clear switch on ${shown.subject}` }, "Clear switch");
    button.addEventListener("click", () => clear({ level: shown.level, id: shown.subject }));
    const node = element("li", { class: "panel switch" }, element("header", {}, title, left, button), why);
    return {
      node,
      update(now) {
        say(title, `${now.subject} ${now.kind === "pin" ? "is kept in full service" : "is switched off"}`);
        set(node, "data-kind", now.kind);
        say(why, `${now.reason} — ${now.actor}, ${ago(store, now.set_at)}`);
        say(left, now.until ? `${duration(now.until - store.now())} left` : "until it is cleared");
      },
    };
  });
}

export function rehearsals(store) {
  const under_way = store.status?.faults ?? [];
  const banner = find("rehearsals");
  banner.hidden = !under_way.length;
  keyed(banner, under_way, ({ level, subject }) => `${level}:${subject}`, () => {
    const [what, who] = [element("strong"), element("span")];
    const node = element("p", {}, element("b", { class: "stamp" }, "Rehearsal"), what, who, element("code", {}, "sidestep fault --clear"));
    return {
      node,
      update(fault) {
        say(what, `${fault.subject}: ${fault.what ?? "a fault of our own making"}, on ${percent(fault.rate ?? 1)} of its attempts. `);
        const left = fault.until ? `, ${duration(fault.until - store.now())} left` : "";
        say(who, `Not a real outage. Set by ${fault.actor ?? "somebody"}${fault.reason ? `: ${fault.reason}` : ""}${left}. To end it: `);
      },
    };
  });
}

export function lost(link) {
  const banner = find("lost");
  const told = unheard(link);
  banner.hidden = !told;
  if (told) say(banner, `No connection to Sidestep since ${moment(link.lostAt / 1000, Date.now() / 1000)}. What stands here is as last heard; trying again.`);
  document.body.classList.toggle("stale", told);
  const words = { opening: "Connecting", live: "Live", polling: "Every 5 s", lost: "No connection", paused: "Paused" };
  set(find("link"), "data-state", link.state);
  say(find("link-words"), words[link.state] ?? link.state);
}

export function footer({ status }) {
  if (!status) return;
  const { config = {} } = status;
  const reload = config.last_reload;
  const refused = reload?.result === "rejected";
  const facts = [
    `Sidestep ${status.version ?? ""}`,
    Number.isFinite(status.uptime_seconds) && `up ${duration(status.uptime_seconds)}`,
    config.source && `configuration ${config.source}, generation ${config.generation ?? "–"}`,
    refused && `the newest configuration was refused: ${reload.error ?? ""}`,
    status.probes && `probes: ${count(status.probes.tokens ?? 0)} tokens${status.probes.usd ? `, $${status.probes.usd.toFixed(2)}` : ""}`,
  ];
  say(find("footer"), facts.filter(Boolean).join(" · "));
  say(find("source"), list([location.host, status.ready === false ? status.readiness ?? "not ready" : null].filter(Boolean)));
  set(find("footer"), "data-refused", refused);
}
