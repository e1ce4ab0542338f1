"""Links between pages lead to files and headings that are there; deploy/docs/README.md leads to every page beside it."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pages


def bare(text: str) -> str:
    """Without code, where a bracket is no link."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def anchors(path: pathlib.Path) -> set[str]:
    """Headings as GitHub makes anchors of them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 1
        while (name := slug if number == 1 else f"{slug}-{number - 1}") in found:
            number += 1
        found.add(name)
    return found


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=pages.ROOT, capture_output=True, text=True, check=True)
    files = [pages.ROOT / name for name in listed.stdout.split()]
    broken, links = [], 0
    for file in files:
        for target in re.findall(r"\]\(([^)\s]+)\)", bare(file.read_text())):
            if re.match(r"[a-z]+:", target):
                continue
            links += 1
            path, _, anchor = target.partition("#")
            to = (file.parent / path).resolve() if path else file
            if not to.exists() or (anchor and anchor not in anchors(to)):
                broken.append(f"{file.relative_to(pages.ROOT)}: {target}")
    index = (pages.DOCS / "README.md").read_text()
    broken += [f"README.md leads not to {page.name}" for page in pages.DOCS.glob("*.md") if page.name != "README.md" and f"]({page.name}" not in index]
    if broken or links < 30:
        sys.exit("\n".join(["links that lead nowhere:", *broken]))
    print(f"{links} links in {len(files)} pages lead somewhere")


main()
