// The connection: server-sent events while the page is seen, at most a few streams for each browser, for it has but six
// connections to one address; any page beyond asks every few seconds instead.

const SLOTS = 4;
const POLL_MS = 5000;
/** The server says something every 15 s. After this it is not there any more, whatever the connection says. */
const SILENCE_MS = 25000;
const EVENTS = ["status", "entry", "incident", "sample"];

/** Whether the connection is lost for longer than a blink, as at a restart. */
export const unheard = ({ state, lostAt }) => state === "lost" && Date.now() - lostAt > 3000;

export class Feed {
  #store;
  #changed;
  #source = null;
  #release = null;
  #heard = Date.now();
  #polling = null;
  #joining = false;
  /** `opening`, `live`, `polling`, `lost` or `paused`. */
  state = "opening";
  /** Since when the connection is lost, in the page's own milliseconds. */
  lostAt = null;

  /** `changed` is called after anything new, at most once a frame. */
  constructor(store, changed) {
    this.#store = store;
    let due = false;
    this.#changed = () => {
      if (due) return;
      due = true;
      requestAnimationFrame(() => { due = false; changed(); });
    };
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#pause() : this.#resume()));
    addEventListener("pageshow", (event) => { if (event.persisted) this.#resume(); });
    addEventListener("online", () => { if (this.state === "lost") this.#reopen(); });
    setInterval(() => this.#watch(), POLL_MS);
  }

  start() {
    return document.hidden ? this.#pause() : this.#join();
  }

  async #join() {
    if (this.#joining || this.#source) return;
    this.#joining = true;
    try {
      const free = await this.#slot();
      if (document.hidden) return this.#leave();
      if (free) this.#open();
      else await this.#poll();
    } finally {
      this.#joining = false;
    }
  }

  /** Takes one of this browser's places; on plain http beyond localhost there are none to take, and we may. */
  async #slot() {
    if (!navigator.locks) return true;
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const taken = await new Promise((resolve) => {
        navigator.locks.request(`sidestep-stream-${slot}`, { ifAvailable: true }, (lock) => {
          if (!lock) return resolve(false);
          return new Promise((release) => { this.#release = release; resolve(true); });
        }).catch(() => resolve(false));
      });
      if (taken) return true;
    }
    return false;
  }

  #open() {
    const source = new EventSource("/events");
    this.#source = source;
    this.#heard = Date.now();
    source.addEventListener("open", () => {
      const back = this.state !== "opening";
      this.#is("live");
      // What the stream does not repeat: the steps of the history in between.
      if (back) this.#refresh().catch(() => {});
    });
    source.addEventListener("error", () => {
      this.#lost();
      // Refused, and not tried again by itself: no place is left, perhaps.
      if (source.readyState === EventSource.CLOSED && source === this.#source) {
        this.#leave();
        this.#poll();
      }
    });
    for (const name of EVENTS) source.addEventListener(name, (event) => this.#take(name, event));
  }

  #take(name, event) {
    this.#heard = Date.now();
    let data;
    try {
      data = JSON.parse(event.data);
    } catch {
      return;
    }
    if (name === "status") this.#store.takeStatus(data);
    else if (name === "entry") this.#store.takeEntry(data);
    else if (name === "incident") this.#store.takeIncident(data);
    else this.#store.takeSample(data);
    this.#changed();
  }

  async #poll() {
    try {
      await this.#refresh();
      this.#is("polling");
    } catch {
      this.#lost();
    }
  }

  async #refresh() {
    const ask = async (path) => {
      const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      return answer.json();
    };
    this.#polling ??= Promise.all([ask("/status"), ask("/history"), ask("/incidents?limit=8").catch(() => ({}))])
      .finally(() => { this.#polling = null; });
    const [status, history, { incidents }] = await this.#polling;
    this.#store.takeStatus(status);
    this.#store.takeHistory(history);
    this.#store.takeIncidents(incidents);
    this.#heard = Date.now();
    this.#changed();
  }

  #watch() {
    if (document.hidden) return;
    if (!this.#source) this.#join();
    else if (Date.now() - this.#heard > SILENCE_MS) this.#reopen();
  }

  #reopen() {
    this.#lost();
    this.#leave();
    this.#join();
  }

  #leave() {
    this.#source?.close();
    this.#source = null;
    this.#release?.();
    this.#release = null;
  }

  /** Nobody looks: nothing is asked for, and nothing piles up. */
  #pause() {
    this.#leave();
    this.#is("paused");
  }

  #resume() {
    if (this.#source || document.hidden) return;
    this.#refresh().catch(() => this.#lost());
    this.#join();
  }

  #lost() {
    if (this.state === "lost" || this.state === "paused") return;
    this.#is("lost");
  }

  #is(state) {
    this.lostAt = state === "lost" ? (this.lostAt ?? Date.now()) : null;
    this.state = state;
    this.#changed();
  }
}
