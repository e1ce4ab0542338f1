"""The command: where it writes, what it refuses, how it exits."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SIDESTEP = os.environ["SIDESTEP"]
CORPUS = Path(__file__).parent / "corpus"
WHOLE = "model_list:\n  - { model_name: a, litellm_params: { model: openai/m } }\n"
PARTLY = WHOLE + "general_settings: { master_key: sk-verysecret }\n"


def sidestep(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
    told = subprocess.run([SIDESTEP, *arguments], input=stdin, capture_output=True, timeout=60)
    return told.returncode, told.stdout.decode(), told.stderr.decode()


def test_standard_input_becomes_what_check_takes(tmp_path: Path) -> None:
    code, out, err = sidestep("import", "litellm", "-", stdin=PARTLY.encode())
    assert code == 0 and "standard input:3: general_settings.master_key: not carried over" in err
    assert "verysecret" not in out + err
    result = tmp_path / "sidestep.yaml"
    result.write_text(out)
    code, out, err = sidestep("check", str(result))
    assert code == 0 and "fine, 1 provider, 1 model, 1 route" in out, err


def test_what_was_left_behind_can_be_told_by_the_exit_code() -> None:
    assert sidestep("import", "litellm", "--strict", "-", stdin=WHOLE.encode())[0] == 0
    code, out, err = sidestep("import", "litellm", "--strict", "-", stdin=PARTLY.encode())
    assert code == 1 and "routes:" in out and "1 setting was not carried over" in err


def test_a_file_is_written_over_only_when_that_is_wanted(tmp_path: Path) -> None:
    result = tmp_path / "sidestep.yaml"
    command = ["import", "litellm", str(CORPUS / "shop.yaml"), "-o", str(result)]
    assert sidestep(*command)[0] == 0
    result.write_text("mine")
    code, _, err = sidestep(*command)
    assert code == 2 and "is there already; --force writes over it" in err and result.read_text() == "mine"
    assert sidestep(*command, "--force")[0] == 0 and result.read_text().endswith("health: { consecutive_failures: 4, cooldown: 30s }\n")


def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path) -> None:
    cases = [
        (b"model_list: [", "standard input:2:1: "),
        (b"a: 1\nb: \xff\n", "standard input:2: is not UTF-8 from here"),
        (b"#" * (1 << 20) + b"\n", "is larger than the 1048576 bytes that are read"),
        (b"model_list: []", "nothing could be carried over"),
    ]
    for text, expected in cases:
        code, out, err = sidestep("import", "litellm", "-", stdin=text)
        assert (code, out) == (2, "") and expected in err, (text[:20], err)
    code, _, err = sidestep("import", "litellm", str(tmp_path / "nowhere.yaml"))
    assert code == 2 and "nowhere.yaml: No such file" in err
