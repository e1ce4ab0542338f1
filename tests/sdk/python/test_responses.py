"""What an application does with the Responses API of the `openai` package, served by either provider."""

import json

import pytest

from ask import CALLS, OUTPUT_SCHEMA, PARALLEL, PICTURE_SEEN, PNG, RESULTS, SYSTEM, TOOL_SCHEMA, TOPIC, TOPIC_TOLD

TOOLS = [{"type": "function", "name": name, "description": f"The {name} of a city", "parameters": TOOL_SCHEMA, "strict": False} for name, _ in CALLS]
PICTURE = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}


def ask(served, content=TOPIC, **more):
    return {"model": served.ask, "input": [{"role": "user", "content": content}], "store": False, **more}


def check(response, served, status="completed"):
    assert (response.object, response.model, response.status) == ("response", served.by, status)
    usage = response.usage
    assert usage.input_tokens > 0 and usage.output_tokens > 0
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


def helped(gpt, request):
    with gpt.responses.stream(**request) as stream:
        for _ in stream:
            pass
        return stream.get_final_response()


def test_whole_raw_stream_and_helper_tell_the_same(gpt, responses_served):
    response = gpt.responses.create(**ask(responses_served))
    check(response, responses_served)
    assert response.output_text.startswith(TOPIC_TOLD)
    events = list(gpt.responses.create(**ask(responses_served), stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    streamed = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    final = helped(gpt, ask(responses_served))
    check(final, responses_served)
    assert response.output_text == streamed == final.output_text


def test_max_tokens_is_told_as_such(gpt, responses_served):
    response = gpt.responses.create(**ask(responses_served, max_output_tokens=16))
    check(response, responses_served, "incomplete")
    assert response.incomplete_details.reason == "max_output_tokens"


def test_instructions_arrive(gpt, responses_served):
    bare = gpt.responses.create(**ask(responses_served)).usage.input_tokens
    assert gpt.responses.create(**ask(responses_served, instructions=SYSTEM)).usage.input_tokens - bare >= len(SYSTEM) // 4


@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_tools_with_results_of_every_kind(gpt, responses_served, streamed):
    request = ask(responses_served, PARALLEL, tools=TOOLS)

    def answered(request):
        return helped(gpt, request) if streamed else gpt.responses.create(**request)

    response = answered(request)
    check(response, responses_served)
    calls = [item for item in response.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == CALLS
    assert len({call.call_id for call in calls}) == len(calls)
    contents = [RESULTS[0], [{"type": "input_text", "text": RESULTS[1]}, PICTURE], RESULTS[2]]
    kept = [{"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments} for call in calls]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": content} for call, content in zip(calls, contents)]
    request["input"] += kept + results
    response = answered(request)
    check(response, responses_served)
    assert PICTURE_SEEN in response.output_text
    assert all(result in response.output_text for result in RESULTS)


def test_structured_output(gpt, responses_served):
    form = {"format": {"type": "json_schema", "name": "report", "schema": OUTPUT_SCHEMA, "strict": True}}
    response = gpt.responses.create(**ask(responses_served, text=form))
    assert set(json.loads(response.output_text)) == set(OUTPUT_SCHEMA["required"])
