"""What an application does with the `anthropic` package, served by its own provider and by the other one."""

import json

import anthropic
import pytest

from ask import CALLS, OUTPUT_SCHEMA, PARALLEL, PICTURE_SEEN, PNG, RESULTS, SYSTEM, TOOL_SCHEMA, TOPIC, TOPIC_TOLD

TOOLS = [{"name": name, "description": f"The {name} of a city", "input_schema": TOOL_SCHEMA} for name, _ in CALLS]
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}


def ask(served, content=TOPIC, **more):
    return {"model": served.ask, "max_tokens": 1000, "messages": [{"role": "user", "content": content}], **more}


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def check(message, served, stop="end_turn"):
    assert (message.type, message.role, message.model, message.stop_reason) == ("message", "assistant", served.by, stop)
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0


def test_whole(claude, claude_served):
    response = claude.messages.with_raw_response.create(**ask(claude_served))
    assert response.headers["sidestep-upstream"] == f"{claude_served.ask}-{'second' if claude_served.translated else 'first'}"
    message = response.parse()
    check(message, claude_served)
    assert text_of(message).startswith(TOPIC_TOLD)


def test_raw_stream_and_helper_tell_the_same(claude, claude_served):
    whole = text_of(claude.messages.create(**ask(claude_served)))
    events = list(claude.messages.create(**ask(claude_served), stream=True))
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")
    streamed = "".join(event.delta.text for event in events if event.type == "content_block_delta")
    with claude.messages.stream(**ask(claude_served)) as stream:
        helped = "".join(stream.text_stream)
        message = stream.get_final_message()
    check(message, claude_served)
    assert whole == streamed == helped == text_of(message)


def test_max_tokens_is_told_as_such(claude, claude_served):
    message = claude.messages.create(**ask(claude_served) | {"max_tokens": 16})
    check(message, claude_served, "max_tokens")


def test_system_prompt_arrives(claude, claude_served):
    bare = claude.messages.create(**ask(claude_served)).usage.input_tokens
    for system in (SYSTEM, [{"type": "text", "text": SYSTEM}]):
        message = claude.messages.create(**ask(claude_served, system=system))
        assert message.usage.input_tokens - bare >= len(SYSTEM) // 4


def test_image_is_seen(claude, claude_served):
    message = claude.messages.create(**ask(claude_served, [PICTURE, {"type": "text", "text": "What is this?"}]))
    assert PICTURE_SEEN in text_of(message)


@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_tools_with_results_of_every_kind(claude, claude_served, streamed):
    request = ask(claude_served, PARALLEL, tools=TOOLS)

    def answered(request):
        if not streamed:
            return claude.messages.create(**request)
        with claude.messages.stream(**request) as stream:
            return stream.get_final_message()

    message = answered(request)
    check(message, claude_served, "tool_use")
    calls = [block for block in message.content if block.type == "tool_use"]
    assert text_of(message)
    assert [(call.name, call.input) for call in calls] == CALLS
    assert len({call.id for call in calls}) == len(calls)
    results = [
        {"type": "tool_result", "tool_use_id": calls[0].id, "content": RESULTS[0]},
        {"type": "tool_result", "tool_use_id": calls[1].id, "content": [{"type": "text", "text": RESULTS[1]}, PICTURE]},
        {"type": "tool_result", "tool_use_id": calls[2].id, "content": RESULTS[2], "is_error": True},
    ]
    request["messages"] += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    message = answered(request)
    check(message, claude_served)
    assert PICTURE_SEEN in text_of(message)
    assert all(result in text_of(message) for result in RESULTS)


def test_structured_output(claude, claude_served):
    form = {"format": {"type": "json_schema", "schema": OUTPUT_SCHEMA}}
    message = claude.messages.create(**ask(claude_served, output_config=form))
    assert set(json.loads(text_of(message))) == set(OUTPUT_SCHEMA["required"])


@pytest.mark.parametrize("key", [{"api_key": "sk-app"}, {"auth_token": "sk-app"}])
def test_either_form_of_key(stage, claude_served, key):
    client = anthropic.Anthropic(base_url=stage.url, **key)
    check(client.messages.create(**ask(claude_served)), claude_served)
