// Every byte-prefix of a valid stream, ended by our error event, must raise: an app may never take it for an answer.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as replay from './replay.mjs';

const streams = readFileSync(process.env.SIDESTEP_PREFIXES, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
assert.ok(streams.length > 0);

for (const [kind, reader] of [['raw', replay.raw], ['helper', replay.helper]]) {
  for (const { name, dialect, whole, cuts } of streams) {
    test(`${kind}: ${name}`, async () => {
      assert.ok(await reader(dialect, whole));
      assert.ok(cuts.length > 0);
      for (const { first, last, body } of cuts) {
        await assert.rejects(reader(dialect, body), replay.isSdkError, `bytes ${first}..=${last} were taken for an answer`);
      }
    });
  }
}
