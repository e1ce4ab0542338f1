// Simulated providers, Sidestep in front of them, and an application that calls it: real programs on free ports.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Longer than anything takes on the slowest machine. */
export const PATIENCE_MS = 240_000;
export const TOKEN = "correct-horse-battery";

const sidestep = process.env.SIDESTEP;
if (!sidestep) throw new Error("SIDESTEP must name the program");

/** Tries until `look` gives something true; tells what was seen last if it never does. */
export async function eventually(what, look, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  let seen;
  for (;;) {
    try {
      seen = await look();
      if (seen) return seen;
    } catch (error) {
      seen = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${patience / 1000} s; last: ${seen?.stack ?? JSON.stringify(seen)}`);
    await sleep(100);
  }
}

export class Stage {
  #folder;
  #processes = new Map();
  #models;
  #calling = false;
  #calls = Promise.resolve();
  failed = 0;

  /** `token`: whether the page may change anything. `models`: more of the configuration's models. */
  static async start({ token = true } = {}) {
    const stage = new Stage();
    stage.#folder = await mkdtemp(join(tmpdir(), "sidestep-browser-"));
    stage.token = token;
    // A port that was free a moment ago may be somebody else's by now: then others are tried.
    await untilStarted(async () => {
      stage.control = await freePorts(4);
      const options = ["--listen", `127.0.0.1:${stage.control}`, "--first-token", "40", "--tokens-per-second", "400"];
      const simulator = stage.#run("simulator", ["simulate", ...options]);
      return started(simulator, stage.simulator(""));
    });
    stage.#models = await stage.#output(["simulate", "--listen", `127.0.0.1:${stage.control}`, "--print-config"]);
    await untilStarted(async () => {
      [stage.listen, stage.admin] = [await freePorts(1), await freePorts(1)];
      await stage.configure(stage.#models);
      return stage.up();
    });
    return stage;
  }

  get page() {
    return `http://127.0.0.1:${this.admin}/`;
  }

  simulator(path) {
    return `http://127.0.0.1:${this.control}/__simulate/${path}`;
  }

  /** The models, as `sidestep simulate --print-config` has them, with `change` made to the text. */
  reconfigured(change) {
    return this.configure(change(this.#models));
  }

  configure(models) {
    const rest = `
listen: 127.0.0.1:${this.listen}
admin: { listen: "127.0.0.1:${this.admin}"${this.token ? `, token: ${TOKEN}` : ""} }
health: { cooldown: 2s, slow_start: 12s }
probes: { interval: 2s, suspect_interval: 1s }
faults: { allow: true }
state: ${this.#folder}
`;
    return writeFile(join(this.#folder, "sidestep.yaml"), models + rest);
  }

  up() {
    return started(this.#run("sidestep", ["run", join(this.#folder, "sidestep.yaml")]), `${this.page}readyz`);
  }

  async down(signal = "SIGTERM") {
    await this.#end("sidestep", signal);
  }

  /** Sets a fault of the simulators, for one model at its provider. */
  async fault(provider, model, fault) {
    const answer = await fetch(this.simulator(`${provider}/faults/${model}`), { method: "PUT", body: JSON.stringify(fault) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async heal() {
    await fetch(this.simulator("faults"), { method: "DELETE" });
  }

  /** Calls as an application does, `rate` times a second, until the end. */
  call(rate) {
    this.#calling = true;
    const models = ["claude-opus-5-5", "gpt-6.1-sol", "claude-haiku-5-5"];
    let number = 0;
    const one = async () => {
      const model = models[number++ % models.length];
      const anthropic = model.startsWith("claude");
      const limit = anthropic ? { max_tokens: 64 } : { max_completion_tokens: 64 };
      const body = { model, stream: true, ...limit, messages: [{ role: "user", content: "hello" }] };
      try {
        const answer = await fetch(`http://127.0.0.1:${this.listen}/v1/${anthropic ? "messages" : "chat/completions"}`, {
          method: "POST", body: JSON.stringify(body),
          headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
        });
        await answer.text();
        if (!answer.ok) this.failed += 1;
      } catch {
        this.failed += 1;
      }
    };
    this.#calls = (async () => {
      while (this.#calling) {
        one();
        await sleep(1000 / rate);
      }
    })();
  }

  async rest() {
    this.#calling = false;
    await this.#calls;
  }

  get status() {
    return fetch(`${this.page}status`).then((answer) => answer.json());
  }

  /** A change as the command makes it: from this machine, and not from a web page. */
  switch(wish) {
    return fetch(`${this.page}switches`, { method: "POST", body: JSON.stringify(wish), headers: { authorization: `Bearer ${TOKEN}` } });
  }

  pid(name = "sidestep") {
    return this.#processes.get(name).pid;
  }

  /** A command of Sidestep's; returns what it printed. */
  async command(...words) {
    return this.#output([...words, "--admin", this.page]);
  }

  async stop() {
    await this.rest();
    for (const name of [...this.#processes.keys()]) await this.#end(name);
    await rm(this.#folder, { recursive: true, force: true });
  }

  #run(name, words) {
    const process_ = spawn(sidestep, words, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, SIDESTEP_ADMIN_TOKEN: "" } });
    process_.told = "";
    process_.stderr.on("data", (data) => { process_.told = (process_.told + data).slice(-20000); });
    this.#processes.set(name, process_);
    return process_;
  }

  async #end(name, signal = "SIGTERM") {
    const running = this.#processes.get(name);
    this.#processes.delete(name);
    if (!running || running.exitCode !== null) return;
    const ended = once(running, "exit");
    running.kill(signal);
    await ended;
  }

  async #output(words) {
    const asked = spawn(sidestep, words, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, SIDESTEP_ADMIN_TOKEN: TOKEN } });
    let printed = "";
    asked.stdout.on("data", (data) => { printed += data; });
    const [code] = await once(asked, "close");
    if (code) throw new Error(`sidestep ${words.join(" ")} ended with ${code}`);
    return printed;
  }
}

/** Waits until a program answers at `url`; fails with its last words when it ends before. */
async function started(program, url) {
  await eventually(`${url} answers`, async () => program.exitCode !== null || (await fetch(url)).status < 500);
  if (program.exitCode !== null) throw new Error(program.told);
}

async function untilStarted(start, tries = 10) {
  for (;;) {
    try {
      return await start();
    } catch (error) {
      tries -= 1;
      if (!tries || !/cannot listen/.test(error.message)) throw error;
    }
  }
}

/** The first of so many free ports in a row. */
async function freePorts(wanted) {
  for (;;) {
    const held = [await listening(0)];
    const first = held[0].address().port;
    try {
      for (let port = first + 1; port < first + wanted; port += 1) held.push(await listening(port));
      return first;
    } catch {
      // Another row.
    } finally {
      await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
    }
  }
}

async function listening(port) {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
