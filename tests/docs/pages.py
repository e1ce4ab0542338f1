"""What the pages hold: commands with their outputs, commands within the text, headings and links."""

from __future__ import annotations

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "deploy/docs"


@dataclasses.dataclass
class Command:
    """A command after `$ `, and the lines that are shown below it."""

    line: int
    text: str
    shown: list[str]


def scenes(page: pathlib.Path) -> list[tuple[str, list[Command]]]:
    """The commands of a page, by the scene in which they are given: `<!-- scene: NAME -->` begins one."""
    found: list[tuple[str, list[Command]]] = []
    inside = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if begun := re.fullmatch(r"<!-- scene: (\w+) -->", line):
            found.append((begun[1], []))
        elif line.startswith("```"):
            inside = line == "```console" and not inside
        elif inside and line.startswith("$ "):
            assert found, f"{page.name}:{number}: there is no scene"
            found[-1][1].append(Command(number, line[2:], []))
        elif inside and found and found[-1][1]:
            last = found[-1][1][-1]
            if not last.shown and last.text.endswith("\\"):
                last.text = last.text[:-1] + line.strip()
            else:
                last.shown.append(line)
    return [(name, commands) for name, commands in found if commands]


def mentioned(page: pathlib.Path) -> list[str]:
    """Commands within the text: `sidestep status`."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    return re.findall(r"`(sidestep [a-z][^`]*)`", text)


def shape(line: str) -> re.Pattern[str]:
    """What a line has to look like: numbers are others each time, `…` stands for anything, and so does the width of a gap."""
    words = []
    for word in line.split():
        parts = re.split(r"(…|\d[\d.:]*)", word)
        words.append("".join(".*" if part == "…" else r"[\d.:]+" if part[:1].isdigit() else re.escape(part) for part in parts))
    return re.compile(r"\s+".join(words) + r"\s*")


def misfit(shown: list[str], told: str) -> str | None:
    """The first line that is shown and was not told, in the order of both."""
    lines = iter(told.splitlines())
    for line in shown:
        if line.strip() in ("", "…"):
            continue
        wanted = shape(line)
        if not any(wanted.fullmatch(one.strip()) for one in lines):
            return line
    return None
