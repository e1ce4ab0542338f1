#!/usr/bin/env python3
"""Re-encodes every recorded stream to every dialect; prints one JSON object for each answer.

    reencoded.py REENCODE FIXTURES

`name`, `dialect` (of the recording), `original` (its bytes, where the file holds them), `broken` (the recording itself
does not end in an answer), and `streams`: dialect -> what the client is sent.
"""

import json
import pathlib
import subprocess
import sys

DIALECTS = ("anthropic", "openai", "responses")
FOLDERS = {"anthropic": "anthropic", "llm-anthropic": "anthropic", "openai-chat": "openai", "openai-responses": "responses"}
WRITTEN, BROKEN, NO_SUCH_ANSWER = 0, 3, 4


def answers(reencode, file, dialect):
    """The re-encoded streams of every answer in the file, with whether the recording is broken."""
    number = 0
    while True:
        streams, ended = {}, set()
        for to in DIALECTS:
            command = [reencode, "--from", dialect, "--to", to, "--answer", str(number), str(file)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
            streams[to] = done.stdout.decode()
            ended.add(done.returncode)
        if ended == {NO_SUCH_ANSWER}:
            return
        if not ended <= {WRITTEN, BROKEN}:
            raise SystemExit(f"{file}: re-encoding ended with {ended}")
        yield number, streams, BROKEN in ended
        number += 1


def main():
    reencode, fixtures = sys.argv[1], pathlib.Path(sys.argv[2])
    files = sorted([*fixtures.rglob("*.sse"), *fixtures.rglob("*.chunks.txt")])
    if not files:
        raise SystemExit(f"no recorded streams in {fixtures}")
    for file in files:
        dialect = FOLDERS[file.parent.name]
        for number, streams, broken in answers(reencode, file, dialect):
            told = {
                "name": f"{file.relative_to(fixtures)} {number}",
                "dialect": dialect,
                "original": file.read_text(encoding="utf-8") if file.suffix == ".sse" else None,
                "broken": broken,
                "streams": streams,
            }
            print(json.dumps(told))


if __name__ == "__main__":
    main()
