"""Recorded streams, re-encoded to each dialect: the stream helpers accept them, and tell the same in all of them."""

import json
import os

import openai
import pytest

import replay

with open(os.environ["SIDESTEP_REENCODED"], encoding="utf-8") as lines:
    RECORDINGS = [json.loads(line) for line in lines]
assert RECORDINGS
WHOLE = [recording for recording in RECORDINGS if not recording["broken"]]
BROKEN = [recording for recording in RECORDINGS if recording["broken"]]


def name(recording):
    return recording["name"]


def told(dialect, body):
    return replay.facts(dialect, replay.helper(dialect, body))


@pytest.mark.parametrize("recording", WHOLE, ids=name)
def test_a_recording_tells_the_same_in_every_dialect(recording):
    facts = {dialect: told(dialect, body) for dialect, body in recording["streams"].items()}
    if recording["original"]:
        facts["original"] = told(recording["dialect"], recording["original"])
    first, *others = facts.values()
    assert all(other == first for other in others), facts


@pytest.mark.parametrize("recording", BROKEN, ids=name)
def test_a_broken_recording_raises_in_every_dialect(recording):
    for dialect, body in recording["streams"].items():
        for reader in (replay.raw, replay.helper):
            with pytest.raises(replay.ERRORS):
                pytest.fail(f"taken for an answer: {reader(dialect, body)}")
