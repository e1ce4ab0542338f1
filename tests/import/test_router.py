"""For each name of each configuration: whom the real LiteLLM asks, in order and by share, is whom the result asks."""

from __future__ import annotations

import collections
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
SIDESTEP = os.environ["SIDESTEP"]
# Names to ask for beside those of the routes, which stand for one of the patterns.
NAMES = {"wildcards": ["anthropic/claude-sonnet-5", "openai/gpt-6-nova", "grok-5"]}
# Not carried over, and said so: these are left out of what LiteLLM asks.
LEFT_OUT = {"bedrock", "vertex_ai", "cohere"}
# Configurations with another strategy than fixed weights.
OTHERWISE = {"clouds"}
VARIABLES = {
    name: f"key-{name}"
    for name in (
        "ANTHROPIC_API_KEY AZURE_WEST_KEY CEREBRAS_API_KEY DEEPINFRA_API_KEY DEEPSEEK_API_KEY FIREWORKS_API_KEY GATEWAY_KEY "
        "GEMINI_API_KEY GROQ_API_KEY MISTRAL_API_KEY MOONSHOT_API_KEY NVIDIA_NIM_API_KEY OPENAI_API_KEY OPENROUTER_API_KEY "
        "RESERVED_KEY SAMBANOVA_API_KEY TEAM_KEY TOGETHERAI_API_KEY XAI_API_KEY"
    ).split()
} | {"AZURE_WEST_BASE": "https://west.openai.azure.com"}
ENVIRONMENT = {**{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}, **VARIABLES}
# Our presets, by LiteLLM's names.
PRESETS = {"together_ai": "together"}


def run(*arguments: str, **more) -> str:
    told = subprocess.run(arguments, capture_output=True, text=True, timeout=300, env=ENVIRONMENT | more)
    assert told.returncode == 0, told.stderr[-4000:]
    return told.stdout


@pytest.fixture(scope="module", params=sorted(path.stem for path in CORPUS.glob("*.yaml")))
def both(request, tmp_path_factory):
    """The routes of the result, and by name the calls that LiteLLM makes."""
    path = CORPUS / f"{request.param}.yaml"
    result = tmp_path_factory.mktemp("imported") / "sidestep.yaml"
    result.write_text(run(SIDESTEP, "import", "litellm", str(path)))
    ours = yaml.safe_load(run(SIDESTEP, "check", "--print", str(result)))
    names = [route["match"] for route in ours["routes"] if "*" not in route["match"]] + NAMES.get(request.param, [])
    cost_map = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    theirs = json.loads(run(sys.executable, str(HERE / "asked.py"), str(path), *names, **cost_map).splitlines()[-1])
    assert theirs
    return request.param, ours, theirs


def route_of(ours: dict, name: str) -> dict:
    fitting = [
        route
        for route in ours["routes"]
        if re.fullmatch(".*".join(map(re.escape, route["match"].split("*"))), name)
    ]
    return min(fitting, key=lambda route: ("*" in route["match"], -len(route["match"])))


def ours_of(ours: dict, name: str) -> list[tuple[tuple, int | None]]:
    """The targets of a route, as what is sent where, with their weights."""
    targets = []
    for target in route_of(ours, name)["targets"]:
        one = {"model": target} if isinstance(target, str) else target
        model = ours["models"][one["model"]]
        provider = ours["providers"][model["provider"]]
        sent = name.removeprefix(model.get("strip_prefix", "")) if model["model"] == "*" else model["model"]
        key = provider.get("api_key")
        place = (provider.get("preset") or "", provider["base_url"], sent, f"key-{key['env']}" if key else None)
        targets.append((place, one.get("weight")))
    return targets


def same(attempt: dict, place: tuple) -> bool:
    """Whether an attempt of LiteLLM's goes where `place` is."""
    preset, url, sent, key = place
    if attempt["model"] != sent:
        return False
    # A key that stands in the file is replaced by a variable; one that LiteLLM finds by itself is not told.
    if attempt["key"] in VARIABLES.values() and attempt["key"] != key:
        return False
    if attempt["provider"] == "gemini":
        return urlsplit(url).hostname == "generativelanguage.googleapis.com"
    if attempt["provider"] == "azure":
        return urlsplit(url).hostname == urlsplit(attempt["base"]).hostname
    if preset and PRESETS.get(attempt["provider"], attempt["provider"]) != preset:
        return False
    if attempt["base"] is None or attempt["provider"] == "together_ai":
        return bool(preset)
    if attempt["provider"] == "deepseek":
        # LiteLLM asks the same host's beta.
        return urlsplit(url).hostname == urlsplit(attempt["base"]).hostname
    return url.removesuffix("/v1") == attempt["base"].rstrip("/").removesuffix("/v1")


def test_each_name_is_answered_by_the_same_models_in_the_same_order(both) -> None:
    _, ours, theirs = both
    for name, calls in theirs.items():
        ways = [[attempt for attempt in call if attempt["provider"] not in LEFT_OUT] for call in calls]
        targets = [place for place, _ in ours_of(ours, name)]
        found = lambda attempt: next((at for at, place in enumerate(targets) if same(attempt, place)), None)
        ranks: list[set] = []
        for at in range(max(map(len, ways))):
            rank = {found(way[at]) for way in ways if len(way) > at}
            strange = next((way[at] for way in ways if len(way) > at and found(way[at]) is None), None)
            assert strange is None, f"{name}: {strange} is not among {targets}"
            ranks.append(rank - set().union(*ranks))
        # Each rank of theirs is a run of ours.
        expected = [at for rank in ranks for at in sorted(rank)]
        assert expected == list(range(len(targets))), f"{name}: {ranks}, {targets}"
        assert all(max(rank) - min(rank) + 1 == len(rank) for rank in ranks if rank), f"{name}: {ranks}"


def test_calls_are_shared_by_the_same_weights(both) -> None:
    config, ours, theirs = both
    if config in OTHERWISE:
        pytest.skip("shared out by use, which is not carried over and said so")
    for name, calls in theirs.items():
        weighted = [(place, weight) for place, weight in ours_of(ours, name) if weight is not None]
        drawn = collections.Counter()
        for call in calls:
            drawn.update(at for at, (place, _) in enumerate(weighted) if same(call[0], place))
        total = sum(weight for _, weight in weighted)
        for at, (place, weight) in enumerate(weighted):
            # Three standard deviations of a share of 150 draws, at most; the draws come from a seed.
            assert abs(drawn[at] / len(calls) - weight / total) < 0.125, f"{name}: {place}: {drawn}"
        first = ours_of(ours, name)[0][0]
        assert weighted or all(same(call[0], first) for call in calls), name
