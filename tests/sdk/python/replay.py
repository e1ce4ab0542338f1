"""Recorded or made streams, given to the official SDKs through a transport that never leaves the process."""

import importlib
import json

import anthropic
import openai

ERRORS = (anthropic.APIError, openai.APIError)
ASK = [{"role": "user", "content": "hi"}]


def _replayed(sdk, make):
    """A client of the SDK whose every answer is the stream that `current` holds."""
    current = {"body": b""}
    default = sdk.DefaultHttpxClient
    http = importlib.import_module(default.__mro__[1].__module__.partition(".")[0])

    def answer(_request):
        return http.Response(200, headers={"content-type": "text/event-stream"}, content=current["body"])

    client = make(api_key="none", max_retries=0, http_client=default(transport=http.MockTransport(answer)))
    return client, current


_CLAUDE, _claude_body = _replayed(anthropic, anthropic.Anthropic)
_GPT, _gpt_body = _replayed(openai, openai.OpenAI)


def _load(dialect, body):
    (_claude_body if dialect == "anthropic" else _gpt_body)["body"] = body.encode()


def raw(dialect, body):
    """Every event of the raw iterator."""
    _load(dialect, body)
    if dialect == "anthropic":
        return list(_CLAUDE.messages.create(model="m", max_tokens=9, messages=ASK, stream=True))
    if dialect == "openai":
        return list(_GPT.chat.completions.create(model="m", messages=ASK, stream=True))
    return list(_GPT.responses.create(model="m", input="hi", stream=True))


def helper(dialect, body):
    """The final object of the stream helper."""
    _load(dialect, body)
    if dialect == "anthropic":
        with _CLAUDE.messages.stream(model="m", max_tokens=9, messages=ASK) as stream:
            return stream.get_final_message()
    if dialect == "openai":
        with _GPT.chat.completions.stream(model="m", messages=ASK) as stream:
            for _ in stream:
                pass
            return stream.get_final_completion()
    with _GPT.responses.stream(model="m", input="hi") as stream:
        for _ in stream:
            pass
        return stream.get_final_response()


def facts(dialect, answer):
    """What an application reads: text, refusal, tool calls, stop reason in one wording, tokens."""
    return {"anthropic": _claude_facts, "openai": _chat_facts, "responses": _responses_facts}[dialect](answer)


def _told(text, tools, stop, tokens):
    return {"text": text, "tools": [(name, json.loads(arguments or "{}")) for name, arguments in tools], "stop": stop, "tokens": tokens}


def _claude_facts(answer):
    text = "".join(block.text for block in answer.content if block.type == "text")
    tools = [(block.name, json.dumps(block.input)) for block in answer.content if block.type == "tool_use"]
    stop = {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "tools", "max_tokens": "length", "model_context_window_exceeded": "length"}
    usage = answer.usage
    read = usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return _told(text, tools, stop.get(answer.stop_reason, answer.stop_reason), (read, usage.output_tokens))


def _chat_facts(answer):
    choice = answer.choices[0]
    tools = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or []]
    stop = {"tool_calls": "tools", "content_filter": "refusal"}
    text = (choice.message.content or "") + (choice.message.refusal or "")
    usage = answer.usage and (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    return _told(text, tools, stop.get(choice.finish_reason, choice.finish_reason), usage)


def _responses_facts(answer):
    parts = [part for item in answer.output if item.type == "message" for part in item.content]
    text = "".join(part.text if part.type == "output_text" else part.refusal for part in parts)
    tools = [(item.name, item.arguments) for item in answer.output if item.type == "function_call"]
    stop = "refusal" if any(part.type == "refusal" for part in parts) else "tools" if tools else "stop"
    if answer.status == "incomplete":
        stop = {"max_output_tokens": "length", "content_filter": "refusal"}[answer.incomplete_details.reason]
    return _told(text, tools, stop, (answer.usage.input_tokens, answer.usage.output_tokens))
