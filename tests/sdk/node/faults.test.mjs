// What an application gets when its first provider goes wrong and another one is well: the whole answer, or a clean
// error, and no more attempts than that takes. The cases are in ../faults.json.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { TOPIC, answerOfTheWell, claude, failing, gpt } from './stage.mjs';

const [, ...cases] = JSON.parse(readFileSync(new URL('../faults.json', import.meta.url), 'utf8'));
const messages = [{ role: 'user', content: TOPIC }];
const once = { maxRetries: 0 };
const complete = await answerOfTheWell();

const all = async (stream) => {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
};

const claudeTold = (message) => {
  assert.equal(message.stop_reason, 'end_turn');
  assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
  return message.content.map((block) => block.text).join('');
};
const chatTold = ({ choices: [choice] }) => {
  assert.equal(choice.finish_reason, 'stop');
  return choice.message.content;
};
const responseTold = (response) => {
  assert.equal(response.status, 'completed');
  return response.output.flatMap((item) => item.content).map((part) => part.text).join('');
};

const apps = [
  {
    dialect: 'anthropic',
    sdk: Anthropic,
    vendors: ['anthropic', 'openai'],
    whole: async (model) => claudeTold(await claude.messages.create({ model, max_tokens: 1000, messages }, once)),
    helped: async (model) => claudeTold(await claude.messages.stream({ model, max_tokens: 1000, messages }, once).finalMessage()),
    raw: async (model) => {
      const events = await all(await claude.messages.create({ model, max_tokens: 1000, messages, stream: true }, once));
      assert.equal(events.at(-1).type, 'message_stop');
      return events.filter((event) => event.type === 'content_block_delta').map((event) => event.delta.text).join('');
    },
  },
  {
    dialect: 'openai',
    sdk: OpenAI,
    vendors: ['openai', 'anthropic'],
    whole: async (model) => chatTold(await gpt.chat.completions.create({ model, messages }, once)),
    helped: async (model) => chatTold(await gpt.chat.completions.stream({ model, messages }, once).finalChatCompletion()),
    raw: async (model) => {
      const chunks = (await all(await gpt.chat.completions.create({ model, messages, stream: true }, once))).filter((chunk) => chunk.choices.length);
      assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
      assert.equal(chunks.filter((chunk) => chunk.choices[0].finish_reason === 'stop').length, 1);
      return chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('');
    },
  },
  {
    dialect: 'responses',
    sdk: OpenAI,
    vendors: ['openai', 'anthropic'],
    whole: async (model) => responseTold(await gpt.responses.create({ model, input: messages }, once)),
    helped: async (model) => responseTold(await gpt.responses.stream({ model, input: messages }, once).finalResponse()),
    raw: async (model) => {
      const events = await all(await gpt.responses.create({ model, input: messages, stream: true }, once));
      assert.equal(events.at(-1).type, 'response.completed');
      const streamed = events.filter((event) => event.type === 'response.output_text.delta').map((event) => event.delta).join('');
      assert.equal(responseTold(events.at(-1).response), streamed);
      return streamed;
    },
  },
];

for (const app of apps) {
  for (const each of cases) {
    const { name, fault, streamed, whole, pause_ms: least = 0 } = { ...each, ...each[app.dialect] };
    for (const shape of ['raw', 'helped', 'whole']) {
      test(`${name}, ${app.dialect}, ${shape}`, () =>
        failing(fault, async (_, attempts) => {
          const [outcome, ...wanted] = shape === 'whole' ? whole : streamed;
          const called = app[shape](`${name}-${shape}-${app.dialect}`);
          if (outcome === 'answered') assert.equal(await called, complete);
          else await assert.rejects(called, app.sdk[outcome]);
          const seen = await Promise.all(app.vendors.map((vendor, place) => attempts(place === 0 ? 'ill' : 'well', vendor)));
          seen.forEach((of, place) => assert.ok([wanted[place]].flat().includes(of.length), `${of.length} attempts at place ${place}`));
          const at = seen[0].map((attempt) => attempt.at_ms);
          assert.ok(at.slice(1).every((ms, n) => ms - at[n] >= least), `at ${at}`);
        }));
    }
  }
}
