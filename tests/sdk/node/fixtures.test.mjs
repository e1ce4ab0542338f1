// Recorded streams, re-encoded to each dialect: the stream helpers accept them, and tell the same in all of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as replay from './replay.mjs';

const recordings = readFileSync(process.env.SIDESTEP_REENCODED, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
assert.ok(recordings.length > 0);

for (const { name, errors, streams } of recordings) {
  test(name, async () => {
    const told = [];
    for (const [dialect, body] of Object.entries(streams)) {
      if (errors.includes(dialect)) {
        await assert.rejects(replay.raw(dialect, body), replay.isSdkError);
        await assert.rejects(replay.helper(dialect, body), replay.isSdkError);
      } else {
        told.push(replay.facts(dialect, await replay.helper(dialect, body)));
      }
    }
    for (const other of told) assert.deepEqual(other, told[0]);
  });
}
