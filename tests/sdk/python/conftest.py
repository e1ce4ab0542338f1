"""Where Sidestep and the simulated providers are, and the official clients that call it."""

import json
import os
import urllib.request
from dataclasses import dataclass

import anthropic
import openai
import pytest


@dataclass(frozen=True)
class Stage:
    """What stage.py started."""

    url: str
    well: dict
    ill: dict
    claude: str
    gpt: str

    def control(self, method, vendor, path, body=None, side="ill"):
        """One request to the control of a provider, an ill one if nothing else is said."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{getattr(self, side)[vendor]}/__simulate/{path}", data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer) if method == "GET" else None

    def attempts(self):
        """How many attempts the ill providers saw since the test began."""
        return sum(len(self.control("GET", vendor, "attempts")) for vendor in self.ill)


@dataclass(frozen=True)
class Served:
    """One way to be answered: what the app asks for and who must serve it."""

    ask: str
    by: str
    translated: bool


@pytest.fixture(scope="session")
def stage():
    with open(os.environ["SIDESTEP_STAGE"], encoding="utf-8") as file:
        return Stage(**json.load(file))


@pytest.fixture
def fail(stage):
    """Makes every ill provider fail in one way, until the test ends."""

    def set_fault(**fault):
        for vendor in stage.ill:
            stage.control("PUT", vendor, "faults/*", fault)
            stage.control("DELETE", vendor, "attempts")

    yield set_fault
    for vendor in stage.ill:
        stage.control("DELETE", vendor, "faults")


@pytest.fixture(params=["healthy", "down"])
def side(request, fail):
    """The first target well, and down: then the answer is a translated one."""
    if request.param == "down":
        fail(fault="status", status=503)
    return request.param


@pytest.fixture
def claude_served(side, stage):
    return Served(f"{side}-anthropic", stage.gpt if side == "down" else stage.claude, side == "down")


@pytest.fixture
def gpt_served(side, stage):
    return Served(f"{side}-openai", stage.claude if side == "down" else stage.gpt, side == "down")


@pytest.fixture
def responses_served(side, stage):
    return Served(f"{side}-responses", stage.claude if side == "down" else stage.gpt, side == "down")


@pytest.fixture(scope="session")
def claude(stage):
    return anthropic.Anthropic(api_key="sk-app", base_url=stage.url)


@pytest.fixture(scope="session")
def gpt(stage):
    return openai.OpenAI(api_key="sk-app", base_url=f"{stage.url}/v1")
