// Recorded or made streams, given to the official SDKs through a fetch that never leaves the process.
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

let body = '';
const fetch = async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } });
const options = { apiKey: 'none', maxRetries: 0, fetch };
const claude = new Anthropic(options);
const gpt = new OpenAI(options);
const messages = [{ role: 'user', content: 'hi' }];

export const isSdkError = (error) => error instanceof Anthropic.APIError || error instanceof OpenAI.APIError;

const all = async (stream) => {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
};

// Every event of the raw iterator.
export const raw = async (dialect, stream) => {
  body = stream;
  if (dialect === 'anthropic') return all(await claude.messages.create({ model: 'm', max_tokens: 9, messages, stream: true }));
  if (dialect === 'openai') return all(await gpt.chat.completions.create({ model: 'm', messages, stream: true }));
  return all(await gpt.responses.create({ model: 'm', input: 'hi', stream: true }));
};

// The final object of the stream helper.
export const helper = async (dialect, stream) => {
  body = stream;
  if (dialect === 'anthropic') return claude.messages.stream({ model: 'm', max_tokens: 9, messages }).finalMessage();
  if (dialect === 'openai') return gpt.chat.completions.stream({ model: 'm', messages }).finalChatCompletion();
  return gpt.responses.stream({ model: 'm', input: 'hi' }).finalResponse();
};

const claudeFacts = ({ content }) => ({
  text: content.filter((block) => block.type === 'text').map((block) => block.text).join(''),
  tools: content.filter((block) => block.type === 'tool_use').map(({ name, input }) => [name, input]),
});

const chatFacts = ({ choices: [{ message }] }) => ({
  text: (message.content ?? '') + (message.refusal ?? ''),
  tools: (message.tool_calls ?? []).map((call) => [call.function.name, JSON.parse(call.function.arguments || '{}')]),
});

const responsesFacts = ({ output }) => ({
  text: output.filter((item) => item.type === 'message').flatMap((item) => item.content).map((part) => part.text ?? part.refusal).join(''),
  tools: output.filter((item) => item.type === 'function_call').map((item) => [item.name, JSON.parse(item.arguments || '{}')]),
});

// What an application reads: text, refusal and tool calls.
export const facts = (dialect, answer) => ({ anthropic: claudeFacts, openai: chatFacts, responses: responsesFacts })[dialect](answer);
