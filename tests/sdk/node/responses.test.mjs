// What an application does with the Responses API of the npm package `openai`, served by either provider.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALLS, PARALLEL, PICTURE_SEEN, PNG, RESULTS, SIDES, TOOL_SCHEMA, TOPIC, TOPIC_TOLD, gpt } from './stage.mjs';

const tools = CALLS.map(([name]) => ({ type: 'function', name, description: `The ${name} of a city`, parameters: TOOL_SCHEMA, strict: false }));
const picture = { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, detail: 'auto' };

for (const [side, { first, responses: served }] of Object.entries(SIDES)) {
  const ask = (content, more) => ({ model: served.ask, input: [{ role: 'user', content }], store: false, ...more });
  const check = ({ object, model, status, usage }) => {
    assert.deepEqual([object, model, status], ['response', served.by, 'completed']);
    assert.ok(usage.input_tokens > 0 && usage.output_tokens > 0);
  };

  test(`${side}: whole, raw stream and helper tell the same`, () =>
    first(async () => {
      const whole = await gpt.responses.create(ask(TOPIC));
      check(whole);
      assert.ok(whole.output_text.startsWith(TOPIC_TOLD));
      let streamed = '';
      let last;
      for await (const event of await gpt.responses.create(ask(TOPIC, { stream: true }))) {
        if (event.type === 'response.output_text.delta') streamed += event.delta;
        last = event.type;
      }
      const helped = await gpt.responses.stream(ask(TOPIC)).finalResponse();
      check(helped);
      assert.equal(last, 'response.completed');
      assert.deepEqual([streamed, helped.output_text], [whole.output_text, whole.output_text]);
    }));

  for (const streamed of [false, true]) {
    test(`${side}: parallel tools with their results, streamed: ${streamed}`, () =>
      first(async () => {
        const answered = (request) => (streamed ? gpt.responses.stream(request).finalResponse() : gpt.responses.create(request));
        const request = ask(PARALLEL, { tools });
        const called = await answered(request);
        check(called);
        const calls = called.output.filter((item) => item.type === 'function_call');
        assert.deepEqual(calls.map(({ name, arguments: told }) => [name, JSON.parse(told)]), CALLS);
        const contents = [RESULTS[0], [{ type: 'input_text', text: RESULTS[1] }, picture], RESULTS[2]];
        for (const { call_id, name, arguments: told } of calls) request.input.push({ type: 'function_call', call_id, name, arguments: told });
        calls.forEach(({ call_id }, n) => request.input.push({ type: 'function_call_output', call_id, output: contents[n] }));
        const response = await answered(request);
        check(response);
        for (const told of [PICTURE_SEEN, ...RESULTS]) assert.ok(response.output_text.includes(told), `${told} is not in ${response.output_text}`);
      }));
  }
}
