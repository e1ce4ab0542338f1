"""What an application is told when it cannot be answered, and how often its request is then sent."""

import anthropic
import openai
import pytest

from ask import TOPIC, TOPIC_TOLD

ASK = [{"role": "user", "content": TOPIC}]


class Claude:
    """Calls through the `anthropic` package."""

    sdk = anthropic
    too_large = "RequestTooLargeError"

    def __init__(self, stage):
        self.client = anthropic.Anthropic(api_key="sk-app", base_url=stage.url)

    def call(self, scenario, messages=ASK, stream=False):
        return self.client.messages.create(model=f"{scenario}-anthropic", max_tokens=1000, messages=messages, stream=stream)

    def helped(self, scenario):
        with self.client.messages.stream(model=f"{scenario}-anthropic", max_tokens=1000, messages=ASK) as stream:
            return stream.get_final_message()


class Gpt:
    """Calls through the `openai` package."""

    sdk = openai
    too_large = "APIStatusError"

    def __init__(self, stage):
        self.client = openai.OpenAI(api_key="sk-app", base_url=f"{stage.url}/v1")

    def call(self, scenario, messages=ASK, stream=False):
        return self.client.chat.completions.create(model=f"{scenario}-openai", messages=messages, stream=stream)

    def helped(self, scenario):
        with self.client.chat.completions.stream(model=f"{scenario}-openai", messages=ASK) as stream:
            return [event.type for event in stream], stream.get_final_completion()


class Responses(Gpt):
    """Calls through the Responses API of the `openai` package."""

    def call(self, scenario, messages=ASK, stream=False):
        return self.client.responses.create(model=f"{scenario}-responses", input=messages, stream=stream)

    def helped(self, scenario):
        with self.client.responses.stream(model=f"{scenario}-responses", input=ASK) as stream:
            return [event.type for event in stream], stream.get_final_response()


@pytest.fixture(params=[Claude, Gpt, Responses])
def app(request, stage):
    return request.param(stage)


def refusal(app, kind, *args, **kwargs):
    """The error that the app gets, after having sent its request exactly once."""
    with pytest.raises(getattr(app.sdk, kind)) as raised:
        app.call(*args, **kwargs)
    error = raised.value
    assert error.request.headers["x-stainless-retry-count"] == "0", "the SDK asked again"
    assert isinstance(error.body, dict) and error.message
    assert "sk-suite-upstream" not in error.response.text
    return error


@pytest.mark.parametrize("stream", [False, True])
def test_unknown_model_is_404_and_names_the_nearest(app, stream):
    error = refusal(app, "NotFoundError", "healty", stream=stream)
    assert "healthy-" in error.message


def test_too_large_is_413(app):
    error = refusal(app, app.too_large, "healthy", [{"role": "user", "content": "x" * (3 << 20)}])
    assert error.status_code == 413


@pytest.mark.parametrize("stream", [False, True])
def test_a_callers_mistake_is_told_once(app, fail, stage, stream):
    fail(fault="status", status=400)
    refusal(app, "BadRequestError", "invalid", stream=stream)
    assert stage.attempts() == 1


@pytest.mark.parametrize("stream", [False, True])
def test_our_key_refused_is_not_the_apps_401(app, fail, stage, stream):
    fail(fault="status", status=401)
    error = refusal(app, "InternalServerError", "unauthorised", stream=stream)
    assert "authentication" not in error.response.text
    assert stage.attempts() <= 3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("scenario", "fault", "statuses"), [
    ("exhausted", {"status": 503}, {500, 503, 529}),
    ("limited", {"status": 429, "retry_after_s": 40}, {429, 503, 529}),
])
def test_exhausted_is_told_at_once_and_not_multiplied(app, fail, stage, scenario, fault, statuses, stream):
    fail(fault="status", **fault)
    error = refusal(app, "APIStatusError", scenario, stream=stream)
    assert error.status_code in statuses
    assert error.response.headers["x-should-retry"] == "false"
    assert stage.attempts() <= 3


@pytest.mark.parametrize(("scenario", "fault"), [
    ("cut", {"fault": "cut", "after": 6}),
    ("torn", {"fault": "cut", "after": 6, "torn": True}),
    ("clean", {"fault": "cut", "after": 6, "clean": True}),
    ("clean-torn", {"fault": "cut", "after": 6, "clean": True, "torn": True}),
    ("missing-terminal", {"fault": "missing_terminal"}),
    ("in-band-error", {"fault": "in_band_error", "after": 6}),
    ("broken-event", {"fault": "broken_event", "after": 6}),
])
def test_a_stream_that_breaks_off_after_text_raises(app, fail, scenario, fault):
    fail(**fault)
    begun = app.call(scenario, stream=True)
    assert next(iter(begun)), "it never began"
    if isinstance(app, Responses) and scenario == "broken-event":
        # What the lost event said comes again before the end.
        completed = list(begun)[-1]
        assert completed.type == "response.completed" and completed.response.output_text.startswith(TOPIC_TOLD)
        return
    with pytest.raises(app.sdk.APIError):
        pytest.fail(f"taken for an answer: {list(begun)}")
    with pytest.raises(app.sdk.APIError):
        pytest.fail(f"taken for an answer: {app.helped(scenario)}")


def test_a_whole_answer_that_breaks_off_raises(app, fail):
    fail(fault="cut")
    with pytest.raises(app.sdk.APIError):
        pytest.fail(f"taken for an answer: {app.call('cut')}")
