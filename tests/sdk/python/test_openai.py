"""What an application does with the `openai` package, served by its own provider and by the other one."""

import json

import pytest

from ask import CALLS, OUTPUT_SCHEMA, PARALLEL, PICTURE_SEEN, PNG, RESULTS, SYSTEM, TOOL_SCHEMA, TOPIC, TOPIC_TOLD

FUNCTIONS = [{"name": name, "description": f"The {name} of a city", "parameters": TOOL_SCHEMA} for name, _ in CALLS]
TOOLS = [{"type": "function", "function": function} for function in FUNCTIONS]
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}


def ask(served, content=TOPIC, **more):
    return {"model": served.ask, "messages": [{"role": "user", "content": content}], **more}


def text_of(completion):
    return completion.choices[0].message.content


def check(completion, served, stop="stop"):
    assert (completion.object, completion.model, completion.choices[0].finish_reason) == ("chat.completion", served.by, stop)
    usage = completion.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def helped(gpt, request):
    with gpt.chat.completions.stream(**request, stream_options={"include_usage": True}) as stream:
        for _ in stream:
            pass
        return stream.get_final_completion()


def test_whole(gpt, gpt_served):
    response = gpt.chat.completions.with_raw_response.create(**ask(gpt_served))
    assert response.headers["sidestep-upstream"] == f"{gpt_served.ask}-{'second' if gpt_served.translated else 'first'}"
    completion = response.parse()
    check(completion, gpt_served)
    assert text_of(completion).startswith(TOPIC_TOLD)


@pytest.mark.parametrize("usage", [True, False])
def test_raw_stream_and_helper_tell_the_same(gpt, gpt_served, usage):
    whole = text_of(gpt.chat.completions.create(**ask(gpt_served)))
    more = {"stream_options": {"include_usage": True}} if usage else {}
    chunks = list(gpt.chat.completions.create(**ask(gpt_served), stream=True, **more))
    assert {(chunk.object, chunk.model, chunk.id) for chunk in chunks} == {("chat.completion.chunk", gpt_served.by, chunks[0].id)}
    assert [bool(chunk.usage) for chunk in chunks].count(True) == usage
    streamed = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    completion = helped(gpt, ask(gpt_served))
    check(completion, gpt_served)
    assert whole == streamed == text_of(completion)


def test_max_tokens_is_told_as_such(gpt, gpt_served):
    check(gpt.chat.completions.create(**ask(gpt_served, max_completion_tokens=16)), gpt_served, "length")


@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_prompt_arrives(gpt, gpt_served, role):
    request = ask(gpt_served)
    request["messages"].insert(0, {"role": role, "content": SYSTEM})
    bare = gpt.chat.completions.create(**ask(gpt_served)).usage.prompt_tokens
    assert gpt.chat.completions.create(**request).usage.prompt_tokens - bare >= len(SYSTEM) // 4


def test_image_is_seen(gpt, gpt_served):
    completion = gpt.chat.completions.create(**ask(gpt_served, [PICTURE, {"type": "text", "text": "What is this?"}]))
    assert PICTURE_SEEN in text_of(completion)


@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_tools_with_their_results(gpt, gpt_served, streamed):
    request = ask(gpt_served, PARALLEL, tools=TOOLS)

    def answered(request):
        return helped(gpt, request) if streamed else gpt.chat.completions.create(**request)

    completion = answered(request)
    check(completion, gpt_served, "tool_calls")
    message = completion.choices[0].message
    calls = message.tool_calls
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == CALLS
    assert len({call.id for call in calls}) == len(calls)
    results = [{"role": "tool", "tool_call_id": call.id, "content": result} for call, result in zip(calls, RESULTS)]
    kept = {"role": "assistant", "content": message.content, "tool_calls": [call.model_dump(include={"id", "type", "function"}) for call in calls]}
    request["messages"] += [kept, *results]
    completion = answered(request)
    check(completion, gpt_served)
    assert all(result in text_of(completion) for result in RESULTS)


def test_structured_output(gpt, gpt_served):
    form = {"type": "json_schema", "json_schema": {"name": "report", "schema": OUTPUT_SCHEMA, "strict": True}}
    completion = gpt.chat.completions.create(**ask(gpt_served, response_format=form))
    assert set(json.loads(text_of(completion))) == set(OUTPUT_SCHEMA["required"])
