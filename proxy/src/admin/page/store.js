// What the page knows, however long it is left open: bounded by the models in force, fifteen minutes and the latest
// entries.

/** Steps of the history that are kept. */
export const STEPS = 180;
/** Decisions that are kept. */
export const ENTRIES = 300;
/** Incidents that are kept. */
const INCIDENTS = 12;
const COLUMNS = ["share", "calls", "failures", "first_token_p50_ms"];

export class Store {
  status = null;
  changeable = false;
  history = empty();
  /** Newest first. */
  entries = [];
  /** By id. */
  incidents = new Map();
  /** How far the server's clock is ahead of ours, in milliseconds. */
  #ahead = 0;

  /** The server's time now, in seconds since 1970. */
  now() {
    return (Date.now() + this.#ahead) / 1000;
  }

  takeStatus(status) {
    if (!status || !Array.isArray(status.models)) return;
    if (Number.isFinite(status.at)) this.#ahead = status.at * 1000 - Date.now();
    this.status = status;
    if (Array.isArray(status.events)) status.events.forEach((entry) => this.takeEntry(entry));
    // Kept once, as entries.
    delete status.events;
    this.#forgetModels();
  }

  takeHistory(history) {
    if (!history || !Array.isArray(history.at)) return;
    this.history = { ...empty(), ...history, models: Object.assign(Object.create(null), history.models) };
    this.#forgetModels();
  }

  /** One more step. */
  takeSample(step) {
    const { history } = this;
    if (!step || !(step.at > (history.at.at(-1) ?? 0))) return;
    const before = history.at.length;
    history.at.push(step.at);
    for (const [name, value] of Object.entries(step.calls ?? {})) {
      (history.calls[name] ??= Array(before).fill(0)).push(value);
    }
    for (const id of new Set([...Object.keys(history.models), ...Object.keys(step.models ?? {})])) {
      const columns = (history.models[id] ??= Object.fromEntries(COLUMNS.map((name) => [name, Array(before).fill(null)])));
      for (const name of COLUMNS) columns[name].push(step.models?.[id]?.[name] ?? null);
    }
    if (history.at.length > STEPS) {
      const all = [history.at, ...Object.values(history.calls), ...Object.values(history.models).flatMap((columns) => COLUMNS.map((name) => columns[name]))];
      all.forEach((column) => column.shift());
    }
  }

  /** A process that was started anew counts from 1 again: the time is part of an entry's name. */
  takeEntry(entry) {
    if (!entry || !Number.isFinite(entry.at)) return;
    const key = `${entry.seq ?? ""}@${entry.at}`;
    if (this.entries.some((known) => known.key === key)) return;
    let place = this.entries.findIndex((known) => known.at < entry.at || (known.at === entry.at && known.seq < entry.seq));
    if (place < 0) place = this.entries.length;
    this.entries.splice(place, 0, { ...entry, key });
    this.entries.length = Math.min(this.entries.length, ENTRIES);
  }

  takeIncident(update) {
    const incident = update?.incident ?? update;
    if (!incident?.id) return;
    this.incidents.set(incident.id, incident);
    const oldest = [...this.incidents.values()].sort((a, b) => !b.ended - !a.ended || b.started - a.started).slice(INCIDENTS);
    oldest.forEach(({ id }) => this.incidents.delete(id));
  }

  /** After a time without a stream: what the server remembers is all there is. */
  takeIncidents(incidents) {
    if (!Array.isArray(incidents)) return;
    this.incidents.clear();
    incidents.forEach((incident) => this.takeIncident(incident));
  }

  /** Calls of all routes over the latest `steps`. */
  totals(steps) {
    const sum = (name) => (this.history.calls[name] ?? []).slice(-steps).reduce((all, value) => all + value, 0);
    const [answered, rerouted, rescued, cut, failed, refused] =
      ["answered", "rerouted", "rescued", "cut", "failed", "refused"].map(sum);
    const lost = cut + failed + refused;
    return { answered, rerouted, rescued, lost, all: answered + rerouted + rescued + lost };
  }

  #forgetModels() {
    if (!this.status) return;
    const known = new Set(this.status.models.map(({ id }) => id));
    for (const id of Object.keys(this.history.models)) if (!known.has(id)) delete this.history.models[id];
  }
}

// Without a prototype: a model may be called `constructor`.
const empty = () => ({ at: [], calls: {}, models: Object.create(null) });
