// What the page keeps, fed faster than a server could.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ENTRIES, STEPS, Store } from "../../proxy/src/admin/page/store.js";

const step = (at, ids) => ({
  at, calls: { answered: 1 }, models: Object.fromEntries(ids.map((id) => [id, { share: 1, calls: 1, failures: 0, first_token_p50_ms: 5 }])),
});

test("a day of steps is fifteen minutes of them, through models that come and go", () => {
  const store = new Store();
  for (let number = 1; number <= 17280; number += 1) {
    const ids = ["steady", `model-${Math.floor(number / 100)}`, "constructor"];
    store.takeStatus({ at: number * 5, models: ids.map((id) => ({ id, provider: "p" })) });
    store.takeSample(step(number * 5, ids));
    store.takeEntry({ seq: number, at: number * 5, kind: "verdict", why: "w" });
    store.takeIncident({ change: "opened", incident: { id: `incident-${number}`, started: number, ended: number % 7 ? number : null } });
  }
  assert.deepEqual(Object.keys(store.history.models).sort(), ["constructor", "model-172", "steady"]);
  const columns = [store.history.at, store.history.calls.answered, ...Object.values(store.history.models).flatMap(Object.values)];
  for (const column of columns) assert.equal(column.length, STEPS);
  assert.equal(store.history.models["model-172"].calls.filter((calls) => calls === null).length, 99, "nothing is told of when it was away");
  assert.equal(store.entries.length, ENTRIES);
  assert.equal(store.entries[0].seq, 17280, "newest first");
  assert.ok(store.incidents.size <= 12);
  assert.equal([...store.incidents.values()].filter(({ ended }) => !ended).length, 12, "those that last go before those that are over");
});

test("what comes twice is kept once, and two lives with the same numbers are two", () => {
  const store = new Store();
  for (const at of [100, 100, 200]) store.takeEntry({ seq: 1, at, kind: "process", why: "started" });
  assert.deepEqual(store.entries.map(({ at }) => at), [200, 100]);
  store.takeSample(step(10, ["m"]));
  store.takeSample(step(10, ["m"]));
  store.takeSample(step(9, ["m"]));
  assert.equal(store.history.at.length, 1);
});

test("the time is the server's, whatever this machine's clock says", () => {
  const store = new Store();
  store.takeStatus({ at: 1e9, models: [] });
  assert.ok(Math.abs(store.now() - 1e9) < 5);
});
