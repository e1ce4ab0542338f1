// What an application does with `@anthropic-ai/sdk`, served by its own provider and by the other one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALLS, PARALLEL, PICTURE_SEEN, PNG, RESULTS, SIDES, TOOL_SCHEMA, TOPIC, TOPIC_TOLD, claude } from './stage.mjs';

const tools = CALLS.map(([name]) => ({ name, description: `The ${name} of a city`, input_schema: TOOL_SCHEMA }));
const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } };
const textOf = (message) => message.content.filter((block) => block.type === 'text').map((block) => block.text).join('');

for (const [side, { first, claude: served }] of Object.entries(SIDES)) {
  const ask = (content, more) => ({ model: served.ask, max_tokens: 1000, messages: [{ role: 'user', content }], ...more });
  const check = (message, stop = 'end_turn') => {
    assert.deepEqual([message.type, message.role, message.model, message.stop_reason], ['message', 'assistant', served.by, stop]);
    assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
  };

  test(`${side}: whole, raw stream and helper tell the same`, () =>
    first(async () => {
      const whole = await claude.messages.create(ask(TOPIC));
      check(whole);
      assert.ok(textOf(whole).startsWith(TOPIC_TOLD));
      let streamed = '';
      let last;
      for await (const event of await claude.messages.create(ask(TOPIC, { stream: true }))) {
        if (event.type === 'content_block_delta') streamed += event.delta.text;
        last = event.type;
      }
      const helped = await claude.messages.stream(ask(TOPIC)).finalMessage();
      check(helped);
      assert.equal(last, 'message_stop');
      assert.deepEqual([streamed, textOf(helped)], [textOf(whole), textOf(whole)]);
    }));

  test(`${side}: an image is seen`, () =>
    first(async () => {
      const message = await claude.messages.create(ask([picture, { type: 'text', text: 'What is this?' }]));
      assert.ok(textOf(message).includes(PICTURE_SEEN));
    }));

  for (const streamed of [false, true]) {
    test(`${side}: parallel tools with results of every kind, streamed: ${streamed}`, () =>
      first(async () => {
        const answered = (request) => (streamed ? claude.messages.stream(request).finalMessage() : claude.messages.create(request));
        const request = ask(PARALLEL, { tools });
        const called = await answered(request);
        check(called, 'tool_use');
        const calls = called.content.filter((block) => block.type === 'tool_use');
        assert.deepEqual(calls.map(({ name, input }) => [name, input]), CALLS);
        const contents = [RESULTS[0], [{ type: 'text', text: RESULTS[1] }, picture], RESULTS[2]];
        const results = calls.map(({ id }, n) => ({ type: 'tool_result', tool_use_id: id, content: contents[n], is_error: n === 2 }));
        request.messages.push({ role: 'assistant', content: called.content }, { role: 'user', content: results });
        const message = await answered(request);
        check(message);
        for (const told of [PICTURE_SEEN, ...RESULTS]) assert.ok(textOf(message).includes(told), `${told} is not in ${textOf(message)}`);
      }));
  }
}
