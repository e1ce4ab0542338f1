// What an application is told when it cannot be answered, and how often its request is then sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { TOPIC, claude, failing, gpt, sent } from './stage.mjs';

const ask = [{ role: 'user', content: TOPIC }];
const rest = async (iterator) => {
  while (!(await iterator.next()).done);
};
const apps = [
  {
    name: 'claude',
    sdk: Anthropic,
    call: (scenario, messages = ask, stream = false) => claude.messages.create({ model: `${scenario}-anthropic`, max_tokens: 1000, messages, stream }),
    helped: (scenario) => claude.messages.stream({ model: `${scenario}-anthropic`, max_tokens: 1000, messages: ask }).finalMessage(),
  },
  {
    name: 'gpt',
    sdk: OpenAI,
    call: (scenario, messages = ask, stream = false) => gpt.chat.completions.create({ model: `${scenario}-openai`, messages, stream }),
    helped: (scenario) => gpt.chat.completions.stream({ model: `${scenario}-openai`, messages: ask }).finalChatCompletion(),
  },
  {
    name: 'responses',
    sdk: OpenAI,
    call: (scenario, input = ask, stream = false) => gpt.responses.create({ model: `${scenario}-responses`, input, stream }),
    helped: (scenario) => gpt.responses.stream({ model: `${scenario}-responses`, input: ask }).finalResponse(),
  },
];

// The error that the app gets, after having sent its request exactly once.
const refusal = async (call) => {
  const before = sent;
  const error = await call().then(() => assert.fail('was answered'), (reason) => reason);
  assert.equal(sent - before, 1, 'the SDK asked again');
  assert.ok(error.message && !JSON.stringify(error.error).includes('sk-suite-upstream'));
  return error;
};

for (const { name, sdk, call, helped } of apps) {
  for (const stream of [false, true]) {
    const kind = `${name}, streamed: ${stream}`;

    test(`${kind}: an unknown model is 404`, async () => {
      const error = await refusal(() => call('healty', ask, stream));
      assert.ok(error instanceof sdk.NotFoundError);
      assert.match(error.message, /healthy-/);
    });

    test(`${kind}: a body over the cap is 413`, async () => {
      const error = await refusal(() => call('healthy', [{ role: 'user', content: 'x'.repeat(3 << 20) }], stream));
      assert.equal(error.status, 413);
    });

    test(`${kind}: a caller's mistake is told once`, () =>
      failing({ fault: 'status', status: 400 }, async (attempts) => {
        assert.ok((await refusal(() => call('invalid', ask, stream))) instanceof sdk.BadRequestError);
        assert.equal(await attempts(), 1);
      }));

    test(`${kind}: our key refused is not the app's 401`, () =>
      failing({ fault: 'status', status: 401 }, async () => {
        assert.ok((await refusal(() => call('unauthorised', ask, stream))) instanceof sdk.InternalServerError);
      }));

    for (const [scenario, fault] of [['exhausted', { status: 503 }], ['limited', { status: 429, retry_after_s: 40 }]]) {
      test(`${kind}: ${scenario} is told at once and not multiplied`, () =>
        failing({ fault: 'status', ...fault }, async (attempts) => {
          const error = await refusal(() => call(scenario, ask, stream));
          assert.ok([429, 500, 503, 529].includes(error.status), `${error.status}`);
          assert.equal(error.headers.get('x-should-retry'), 'false');
          assert.ok((await attempts()) <= 3);
        }));
    }
  }

  const cuts = {
    cut: { fault: 'cut', after: 6 },
    'clean-torn': { fault: 'cut', after: 6, clean: true, torn: true },
    'missing-terminal': { fault: 'missing_terminal' },
    'in-band-error': { fault: 'in_band_error', after: 6 },
  };
  for (const [scenario, fault] of Object.entries(cuts)) {
    test(`${name}: a stream that breaks off after text raises: ${scenario}`, () =>
      failing(fault, async () => {
        const begun = (await call(scenario, ask, true))[Symbol.asyncIterator]();
        assert.ok((await begun.next()).value, 'it never began');
        await assert.rejects(rest(begun), sdk.APIError);
        await assert.rejects(helped(scenario), sdk.APIError);
      }));
  }
}
