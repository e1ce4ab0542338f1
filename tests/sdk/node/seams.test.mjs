// Answers that another model continued after each of their events: one answer to the raw iterator and to the helper.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as replay from './replay.mjs';

const answers = readFileSync(process.env.SIDESTEP_SEAMS, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
assert.ok(answers.length > 0);

// The text that an event of the raw iterator adds.
const piece = {
  anthropic: (event) => (event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? event.delta.text : ''),
  openai: (chunk) => chunk.choices.map((choice) => choice.delta.content ?? '').join(''),
  responses: (event) => (event.type === 'response.output_text.delta' ? event.delta : ''),
};

for (const { name, dialect, text, joined, refused } of answers) {
  test(name, async () => {
    assert.ok(joined.length > 0 && refused.length > 0);
    for (const { at, body } of joined) {
      const events = await replay.raw(dialect, body);
      assert.equal(events.map(piece[dialect]).join(''), text, `cut ${at}`);
      assert.deepEqual(replay.facts(dialect, await replay.helper(dialect, body)), { text, tools: [] }, `cut ${at}`);
    }
    for (const { at, body } of refused) {
      await assert.rejects(replay.raw(dialect, body), replay.isSdkError, `cut ${at} was taken for an answer`);
      await assert.rejects(replay.helper(dialect, body), replay.isSdkError, `cut ${at} was taken for an answer`);
    }
  });
}
