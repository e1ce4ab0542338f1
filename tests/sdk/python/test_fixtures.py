"""Recorded streams, re-encoded to each dialect: the stream helpers accept them, and tell the same in all of them."""

import json
import os

import openai
import pytest

import replay

with open(os.environ["SIDESTEP_REENCODED"], encoding="utf-8") as lines:
    RECORDINGS = [json.loads(line) for line in lines]
assert RECORDINGS


def told(dialect, body):
    """What the helper tells; of an answer that a filter ended, OpenAI's tell nothing but that."""
    try:
        return replay.facts(dialect, replay.helper(dialect, body))
    except openai.ContentFilterFinishReasonError:
        return {"stop": "refusal"}
    except RuntimeError:
        if '"reason":"content_filter"' not in body:
            raise
        return {"stop": "refusal"}


def original_told(recording):
    """What the helper tells of the recording itself, where it can; some are parts of a stream."""
    try:
        facts = told(recording["dialect"], recording["original"] or "")
    except (AssertionError, RuntimeError, *replay.ERRORS):
        return {}
    return {name: fact for name, fact in facts.items() if fact is not None}


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording["name"])
def test_a_recording_tells_the_same_in_every_dialect(recording):
    all_told = [original_told(recording)]
    for dialect, body in recording["streams"].items():
        if dialect not in recording["errors"]:
            all_told.append(told(dialect, body))
            continue
        for reader in (replay.raw, replay.helper):
            with pytest.raises(replay.ERRORS):
                pytest.fail(f"taken for an answer: {reader(dialect, body)}")
    for fact in ("text", "tools", "stop", "tokens"):
        different = [facts[fact] for facts in all_told if fact in facts]
        assert all(one == different[0] for one in different), (fact, different)


def test_most_recordings_are_answers_and_some_originals_were_read():
    assert sum(not recording["errors"] for recording in RECORDINGS) > len(RECORDINGS) // 2
    assert sum(bool(original_told(recording)) for recording in RECORDINGS) > len(RECORDINGS) // 4
