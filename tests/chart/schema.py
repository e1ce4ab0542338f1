"""Puts the schema that is made from the configuration's types into the chart's: run it when that one has changed."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "proxy" / "src" / "config" / "sidestep.schema.json"
VALUES = ROOT / "helm" / "sidestep" / "values.schema.json"


def embedded() -> str:
    """The chart's schema as it should be."""
    values, config = json.loads(VALUES.read_text()), json.loads(CONFIG.read_text())
    config.pop("$schema")
    values["definitions"]["config"] = config
    return json.dumps(values, indent=2) + "\n"


if __name__ == "__main__":
    VALUES.write_text(embedded())
