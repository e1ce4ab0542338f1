"""What an application gets when its first provider goes wrong and another one is well: the whole answer, or a clean
error, and no more attempts than that takes. The cases are in faults.json."""

import json
import pathlib
import threading
import time

import anthropic
import openai
import pytest

from ask import TOPIC

CASES = json.loads((pathlib.Path(__file__).parent.parent / "faults.json").read_text(encoding="utf-8"))[1:]
ASK = [{"role": "user", "content": TOPIC}]
FLAPS_S = 60


class Claude:
    """Calls through the `anthropic` package."""

    sdk, dialect, first, second = anthropic, "anthropic", "anthropic", "openai"

    def __init__(self, stage):
        self.client = anthropic.Anthropic(api_key="sk-app", base_url=stage.url, max_retries=0)

    def whole(self, model):
        return self.told(self.client.messages.create(model=model, max_tokens=1000, messages=ASK))

    def raw(self, model):
        stream = self.client.messages.create(model=model, max_tokens=1000, messages=ASK, stream=True)
        events = list(stream)
        assert [event.type for event in events].count("message_start") == 1
        assert events[-1].type == "message_stop"
        return "".join(event.delta.text for event in events if event.type == "content_block_delta")

    def helped(self, model):
        with self.client.messages.stream(model=model, max_tokens=1000, messages=ASK) as stream:
            return self.told(stream.get_final_message())

    def told(self, message):
        assert message.stop_reason == "end_turn"
        assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0
        return "".join(block.text for block in message.content)


class Gpt:
    """Calls through the `openai` package."""

    sdk, dialect, first, second = openai, "openai", "openai", "anthropic"

    def __init__(self, stage):
        self.client = openai.OpenAI(api_key="sk-app", base_url=f"{stage.url}/v1", max_retries=0)

    def whole(self, model):
        return self.told(self.client.chat.completions.create(model=model, messages=ASK))

    def raw(self, model):
        chunks = [chunk for chunk in self.client.chat.completions.create(model=model, messages=ASK, stream=True) if chunk.choices]
        assert len({chunk.id for chunk in chunks}) == 1
        assert [chunk.choices[0].finish_reason for chunk in chunks].count("stop") == 1
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    def helped(self, model):
        with self.client.chat.completions.stream(model=model, messages=ASK) as stream:
            for _ in stream:
                pass
            return self.told(stream.get_final_completion())

    def told(self, completion):
        choice, = completion.choices
        assert choice.finish_reason == "stop"
        return choice.message.content


class Responses(Gpt):
    """Calls through the Responses API of the `openai` package."""

    dialect = "responses"

    def whole(self, model):
        return self.told(self.client.responses.create(model=model, input=ASK))

    def raw(self, model):
        events = list(self.client.responses.create(model=model, input=ASK, stream=True))
        numbers = [event.sequence_number for event in events]
        assert numbers == sorted(set(numbers))
        assert events[-1].type == "response.completed"
        streamed = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert self.told(events[-1].response) == streamed
        return streamed

    def helped(self, model):
        with self.client.responses.stream(model=model, input=ASK) as stream:
            for _ in stream:
                pass
            return self.told(stream.get_final_response())

    def told(self, response):
        assert response.status == "completed"
        return response.output_text


@pytest.fixture(params=[Claude, Gpt, Responses], ids=lambda app: app.dialect)
def app(request, stage):
    return request.param(stage)


@pytest.fixture
def attempts(app, stage):
    """The attempts that the first and the second provider saw in this test."""
    sides = (("ill", app.first), ("well", app.second))
    for side, vendor in sides:
        stage.control("DELETE", vendor, "attempts", side=side)
    return lambda: [stage.control("GET", vendor, "attempts", side=side) for side, vendor in sides]


def among(count, allowed):
    return count in (allowed if isinstance(allowed, list) else [allowed])


@pytest.fixture(scope="session")
def complete(stage):
    """What every simulated provider answers to what is asked here."""
    well = openai.OpenAI(api_key="sk-app", base_url=f"{stage.well['openai']}/v1")
    return well.chat.completions.create(model=stage.gpt, messages=ASK).choices[0].message.content


@pytest.mark.parametrize("shape", ["raw", "helped", "whole"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_first_provider_goes_wrong(app, fail, complete, attempts, case, shape):
    fail(**case["fault"])
    outcome, *wanted = (case | case.get(app.dialect, {}))["whole" if shape == "whole" else "streamed"]
    model = f"{case['name']}-{shape}-{app.dialect}"
    if outcome == "answered":
        assert getattr(app, shape)(model) == complete
    else:
        with pytest.raises(getattr(app.sdk, outcome)):
            pytest.fail(f"was answered: {getattr(app, shape)(model)}")
    first, second = attempts()
    assert among(len(first), wanted[0]) and among(len(second), wanted[1]), f"{len(first)} and {len(second)} attempts"
    pauses = [after["at_ms"] - before["at_ms"] for before, after in zip(first, first[1:])]
    assert all(pause >= case.get("pause_ms", 0) for pause in pauses), pauses


def test_the_first_provider_flaps(stage, complete):
    """A minute of seconds that are well and seconds that are not, in ways that change."""
    apps = [make(stage) for make in (Claude, Gpt, Responses)]
    ways = [{"fault": "status", "status": 503}, {"fault": "cut", "after": 14}, {"fault": "in_band_error", "after": 14}, {"fault": "reset"}]
    end = time.monotonic() + FLAPS_S
    calls, wrong = [], []

    def use(app):
        turn = 0
        while time.monotonic() < end:
            turn += 1
            try:
                if (app.raw, app.helped, app.whole)[turn % 3](f"flapping-{app.dialect}") != complete:
                    wrong.append(f"{app.dialect}: not the whole answer")
            except Exception as error:  # whatever it is, the application noticed
                wrong.append(f"{app.dialect}: {error!r}")
            calls.append(app.dialect)
            time.sleep(0.2)

    users = [threading.Thread(target=use, args=(app,)) for app in apps]
    for user in users:
        user.start()
    for second in range(FLAPS_S - 1):
        for vendor in ("anthropic", "openai"):
            stage.control("DELETE", vendor, "faults")
            if second % 4 < 2:
                stage.control("PUT", vendor, "faults/*", ways[second // 4 % len(ways)])
        time.sleep(1)
    for user in users:
        user.join()
    for vendor in stage.ill:
        stage.control("DELETE", vendor, "faults")
    assert not wrong, f"{len(wrong)} of {len(calls)}: {wrong[:5]}"
    assert len(calls) > FLAPS_S
