// What an application does with the npm package `openai`, served by its own provider and by the other one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALLS, PARALLEL, PICTURE_SEEN, PNG, RESULTS, SIDES, TOOL_SCHEMA, TOPIC, TOPIC_TOLD, gpt } from './stage.mjs';

const tools = CALLS.map(([name]) => ({ type: 'function', function: { name, description: `The ${name} of a city`, parameters: TOOL_SCHEMA } }));
const picture = { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } };
const textOf = (completion) => completion.choices[0].message.content;
const helped = (request) => gpt.chat.completions.stream({ ...request, stream_options: { include_usage: true } }).finalChatCompletion();

for (const [side, { first, gpt: served }] of Object.entries(SIDES)) {
  const ask = (content, more) => ({ model: served.ask, messages: [{ role: 'user', content }], ...more });
  const check = ({ object, model, choices, usage }, stop = 'stop') => {
    assert.deepEqual([object, model, choices[0].finish_reason], ['chat.completion', served.by, stop]);
    assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
  };

  test(`${side}: whole, raw stream and helper tell the same`, () =>
    first(async () => {
      const whole = await gpt.chat.completions.create(ask(TOPIC));
      check(whole);
      assert.ok(textOf(whole).startsWith(TOPIC_TOLD));
      let streamed = '';
      let finish;
      for await (const { choices: [choice], usage } of await gpt.chat.completions.create(ask(TOPIC, { stream: true }))) {
        assert.ok(!usage, 'usage that was not asked for');
        streamed += choice.delta.content ?? '';
        finish = choice.finish_reason;
      }
      const completion = await helped(ask(TOPIC));
      check(completion);
      assert.equal(finish, 'stop');
      assert.deepEqual([streamed, textOf(completion)], [textOf(whole), textOf(whole)]);
    }));

  test(`${side}: an image is seen`, () =>
    first(async () => {
      const completion = await gpt.chat.completions.create(ask([picture, { type: 'text', text: 'What is this?' }]));
      assert.ok(textOf(completion).includes(PICTURE_SEEN));
    }));

  for (const streamed of [false, true]) {
    test(`${side}: parallel tools with their results, streamed: ${streamed}`, () =>
      first(async () => {
        const answered = (request) => (streamed ? helped(request) : gpt.chat.completions.create(request));
        const request = ask(PARALLEL, { tools });
        const called = await answered(request);
        check(called, 'tool_calls');
        const { content, tool_calls: calls } = called.choices[0].message;
        assert.deepEqual(calls.map(({ function: { name, arguments: told } }) => [name, JSON.parse(told)]), CALLS);
        const results = calls.map(({ id }, n) => ({ role: 'tool', tool_call_id: id, content: RESULTS[n] }));
        request.messages.push({ role: 'assistant', content, tool_calls: calls }, ...results);
        const completion = await answered(request);
        check(completion);
        for (const result of RESULTS) assert.ok(textOf(completion).includes(result), `${result} is not in ${textOf(completion)}`);
      }));
  }
}
