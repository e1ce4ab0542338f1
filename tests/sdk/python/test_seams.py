"""Answers that another model continued after each of their events: one answer to the raw iterator and to the helper."""

import json
import os

import pytest

import replay

with open(os.environ["SIDESTEP_SEAMS"], encoding="utf-8") as lines:
    ANSWERS = [json.loads(line) for line in lines]
assert ANSWERS
NAMES = [answer["name"] for answer in ANSWERS]


def pieces(dialect, event):
    """The text that an event of the raw iterator adds."""
    if dialect == "anthropic":
        return event.delta.text if event.type == "content_block_delta" and event.delta.type == "text_delta" else ""
    if dialect == "openai":
        return "".join(choice.delta.content or "" for choice in event.choices)
    return event.delta if event.type == "response.output_text.delta" else ""


@pytest.mark.parametrize("answer", ANSWERS, ids=NAMES)
def test_what_is_joined_is_one_answer(answer):
    dialect = answer["dialect"]
    assert answer["joined"]
    for cut in answer["joined"]:
        said = "".join(pieces(dialect, event) for event in replay.raw(dialect, cut["body"]))
        assert said == answer["text"], cut["at"]
        told = replay.facts(dialect, replay.helper(dialect, cut["body"]))
        assert (told["text"], told["tools"], told["stop"]) == (answer["text"], [], "stop"), cut["at"]
        assert told["tokens"][1] == cut["output"]


@pytest.mark.parametrize("reader", [replay.raw, replay.helper])
@pytest.mark.parametrize("answer", ANSWERS, ids=NAMES)
def test_what_cannot_be_joined_raises(answer, reader):
    assert answer["refused"]
    for cut in answer["refused"]:
        with pytest.raises(replay.ERRORS):
            pytest.fail(f"cut {cut['at']} was taken for an answer: {reader(answer['dialect'], cut['body'])}")
