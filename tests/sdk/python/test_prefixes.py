"""Every byte-prefix of a valid stream, ended by our error event, must raise: an app may never take it for an answer."""

import json
import os

import openai
import pytest

import replay

with open(os.environ["SIDESTEP_PREFIXES"], encoding="utf-8") as lines:
    STREAMS = [json.loads(line) for line in lines]
assert STREAMS
NAMES = [stream["name"] for stream in STREAMS]


@pytest.mark.parametrize("reader", [replay.raw, replay.helper])
@pytest.mark.parametrize("stream", STREAMS, ids=NAMES)
def test_whole_is_accepted_and_every_prefix_raises(stream, reader):
    dialect = stream["dialect"]
    try:
        assert reader(dialect, stream["whole"])
    except openai.ContentFilterFinishReasonError:
        # Of a whole answer that is a refusal: the helper read its last event before it said so.
        assert "refusal" in stream["name"]
    assert stream["cuts"]
    for cut in stream["cuts"]:
        with pytest.raises(replay.ERRORS):
            taken = reader(dialect, cut["body"])
            pytest.fail(f"bytes {cut['first']}..={cut['last']} were taken for an answer: {taken}")
