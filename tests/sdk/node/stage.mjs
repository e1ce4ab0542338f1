// Where Sidestep and the simulated providers are, what is asked of them, and what they then answer
// (python/ask.py says how the simulated providers choose their words).
import { readFileSync } from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const stage = JSON.parse(readFileSync(process.env.SIDESTEP_STAGE, 'utf8'));

export const TOPIC = 'Tell me of the harbour in 80 words';
export const TOPIC_TOLD = 'You asked: Tell me of the harbour';
export const PARALLEL = 'Explain with forecast, radar and tides what awaits Paris, Oslo and Lisbon';
export const CALLS = [['forecast', { city: 'Paris' }], ['radar', { city: 'Oslo' }], ['tides', { city: 'Lisbon' }]];
export const RESULTS = ['rain from noon', 'see the picture', 'no such tide'];
export const TOOL_SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
// One grey pixel.
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==';
export const PICTURE_SEEN = 'I see 1 image';

// How often the clients have sent a request: an SDK that asks again shows here.
export let sent = 0;
const fetchCounted = (...args) => {
  sent += 1;
  return fetch(...args);
};

export const claude = new Anthropic({ apiKey: 'sk-app', baseURL: stage.url, fetch: fetchCounted });
export const gpt = new OpenAI({ apiKey: 'sk-app', baseURL: `${stage.url}/v1`, fetch: fetchCounted });

const control = (method, vendor, path, body, side = 'ill') =>
  fetch(`${stage[side][vendor]}/__simulate/${path}`, { method, headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body) });

// Makes every ill provider fail in one way while `work` runs. Its first argument counts the attempts that the ill ones
// saw since, its second lists those of one provider, `ill` or `well`.
export const failing = async (fault, work) => {
  for (const vendor in stage.ill) {
    const set = await control('PUT', vendor, 'faults/*', fault);
    if (!set.ok) throw new Error(await set.text());
    for (const side of ['ill', 'well']) await control('DELETE', vendor, 'attempts', undefined, side);
  }
  const attempts = async (side, vendor) => (await control('GET', vendor, 'attempts', undefined, side)).json();
  try {
    await work(async () => (await Promise.all(Object.keys(stage.ill).map((vendor) => attempts('ill', vendor)))).flat().length, attempts);
  } finally {
    for (const vendor in stage.ill) await control('DELETE', vendor, 'faults');
  }
};

// What every simulated provider answers to the topic.
export const answerOfTheWell = async () => {
  const well = new OpenAI({ apiKey: 'sk-app', baseURL: `${stage.well.openai}/v1` });
  const told = await well.chat.completions.create({ model: stage.gpt, messages: [{ role: 'user', content: TOPIC }] });
  return told.choices[0].message.content;
};

// The first target well, and down: then the answer is a translated one.
const served = (side, claudeBy, gptBy) => ({
  claude: { ask: `${side}-anthropic`, by: claudeBy },
  gpt: { ask: `${side}-openai`, by: gptBy },
  responses: { ask: `${side}-responses`, by: gptBy },
});
export const SIDES = {
  healthy: { first: (work) => work(), ...served('healthy', stage.claude, stage.gpt) },
  down: { first: (work) => failing({ fault: 'status', status: 503 }, work), ...served('down', stage.gpt, stage.claude) },
};
