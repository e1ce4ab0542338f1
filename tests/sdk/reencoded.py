#!/usr/bin/env python3
"""Re-encodes every recorded stream to every dialect; prints one JSON object for each answer.

    reencoded.py REENCODE FIXTURES

`name`, `dialect` (of the recording), `original` (its bytes, where the file holds them), `streams` (dialect -> what
the client is sent) and `errors`: the dialects whose stream ends in an error, for the recording is broken or
holds nothing that the dialect has a form for.
"""

import json
import pathlib
import subprocess
import sys

DIALECTS = ("anthropic", "openai", "responses")
FOLDERS = {"anthropic": "anthropic", "llm-anthropic": "anthropic", "openai-chat": "openai", "openai-responses": "responses"}
WRITTEN, ENDS_IN_ERROR, NO_SUCH_ANSWER = 0, 3, 4


def answers(reencode, file, dialect):
    """For every answer in the file its number, its re-encoded streams and the exit statuses that came with them."""
    number = 0
    while True:
        streams, ended = {}, {}
        for to in DIALECTS:
            command = [reencode, "--from", dialect, "--to", to, "--answer", str(number), str(file)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
            streams[to] = done.stdout.decode()
            ended[to] = done.returncode
        statuses = set(ended.values())
        if statuses == {NO_SUCH_ANSWER}:
            return
        if not statuses <= {WRITTEN, ENDS_IN_ERROR}:
            raise SystemExit(f"{file}: re-encoding ended with {ended}")
        yield number, streams, ended
        number += 1


def main():
    reencode, fixtures = sys.argv[1], pathlib.Path(sys.argv[2])
    files = sorted([*fixtures.rglob("*.sse"), *fixtures.rglob("*.chunks.txt")])
    if not files:
        raise SystemExit(f"no recorded streams in {fixtures}")
    for file in files:
        dialect = FOLDERS[file.parent.name]
        for number, streams, ended in answers(reencode, file, dialect):
            told = {
                "name": f"{file.relative_to(fixtures)} {number}",
                "dialect": dialect,
                "original": file.read_text(encoding="utf-8") if file.suffix == ".sse" else None,
                "streams": streams,
                "errors": [to for to in DIALECTS if ended[to] == ENDS_IN_ERROR],
            }
            print(json.dumps(told))


if __name__ == "__main__":
    main()
