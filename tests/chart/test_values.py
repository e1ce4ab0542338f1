"""values.yaml, its schema and the templates know the same values."""

from __future__ import annotations

import copy
import json
import re

import pytest
import schema
import yaml
from engine import CHART, KEYS, merged, refusal, render
from options import CONFIG, EVERYTHING, POLICY

VALUES = (CHART / "values.yaml").read_text()
DEFAULTS = yaml.safe_load(VALUES)

# What to put in place of the default where that cannot be guessed from it, and what it takes to be looked at.
CHANGED: dict[str, object] = {
    "image.digest": "sha256:" + "1" * 64,
    "image.pullPolicy": "Always",
    "bindHost": "::",
    "keys.secretName": "other-keys",
    "config": CONFIG["config"],
    "namespaces": ["shop"],
    "sidecar.native": "false",
    "sidecar.runAsUser": None,
    "injector.mode": "policy",
    "injector.logFormat": "json",
    "webhook.failurePolicy": "Ignore",
    "webhook.certificate.mode": "certManager",
    "webhook.certificate.issuerRef.kind": "ClusterIssuer",
    "guard.action": "Warn",
    "gateway.service.port": 8000,
    "monitoring.podMonitor.interval": "7s",
    "monitoring.prometheusRule.runbooks": "https://docs.example.com",
    "networkPolicy.apiServerCIDRs": ["10.0.0.1/32"],
}
ONLY_WITH: dict[str, dict] = {
    "namespaces": CONFIG,
    "webhook.certificate.issuerRef": {"webhook": {"certificate": {"mode": "certManager", "issuerRef": {"name": "ca"}}}},
    "guard": {"guard": {"enabled": True}},
    "gateway": {"gateway": {"enabled": True}},
    "gateway.autoscaling": {"gateway": {"enabled": True, "autoscaling": {"enabled": True}}},
    "monitoring.podMonitor": {"monitoring": {"podMonitor": {"enabled": True}}},
    "monitoring.prometheusRule": {"monitoring": {"prometheusRule": {"enabled": True}}},
    "monitoring.dashboard": {"monitoring": {"dashboard": {"enabled": True}}},
    "networkPolicy": {"networkPolicy": {"enabled": True}},
    "networkPolicy.gatewayFrom": {"networkPolicy": {"enabled": True}, "gateway": {"enabled": True}},
}
RESOURCES = {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "2m", "memory": "2Mi"}}


def leaves(values: dict, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths to all values; a map without keys of its own is one."""
    found = []
    for key, value in values.items():
        inner = isinstance(value, dict) and value and key not in ("labels", "resources", "guaranteed")
        found += leaves(value, (*path, key)) if inner else [(*path, key)]
    return found


LEAVES = leaves(DEFAULTS)


def nested(path: tuple[str, ...], value: object) -> dict:
    for key in reversed(path):
        value = {key: value}
    return value


def default_of(path: tuple[str, ...]) -> object:
    value: object = DEFAULTS
    for key in path:
        value = value[key]
    return value


def changed(path: tuple[str, ...]) -> object:
    default, dotted = default_of(path), ".".join(path)
    if dotted in CHANGED:
        return CHANGED[dotted]
    match default, path[-1]:
        case bool(), _:
            return not default
        case int(), _:
            return default + 1
        case str(), _:
            return "changed"
        case list(), "tolerations":
            return [{"operator": "Exists"}]
        case list(), "metricsFrom" | "gatewayFrom":
            return [{"podSelector": {}}]
        case list(), _:
            return ["changed"]
        case _, "resources":
            return RESOURCES
        case _, "guaranteed":
            return RESOURCES["limits"]
        case _, "affinity":
            return {"nodeAffinity": {}}
        case _, "podSecurityContext":
            return {"fsGroup": 1}
        case _:
            return {"changed": "changed"}


@pytest.mark.parametrize("path", LEAVES, ids=".".join)
def test_every_value_changes_what_is_rendered(path: tuple[str, ...]):
    base = copy.deepcopy(KEYS)
    for at in range(1, len(path) + 1):
        base = merged(base, ONLY_WITH.get(".".join(path[:at]), {}))
    if path[-1] == "enabled" and path[0] != "injector":
        base = merged(base, nested(path, False))
    if path == ("injector", "enabled"):
        base = merged(base, {"gateway": {"enabled": True}})
    values = merged(base, nested(path, changed(path)))
    one, other = render(base), render(values)
    assert (one.manifest, one.hooks, one.notes) != (other.manifest, other.hooks, other.notes)


def test_every_value_is_documented():
    """A comment stands right above each key, however deep."""
    lines = VALUES.splitlines()
    for number, line in enumerate(lines):
        if re.match(r" *[A-Za-z_]+:", line):
            section = re.fullmatch(r" *[A-Za-z]+:", line) and number + 1 < len(lines)
            inside = re.match(r" *(cpu|memory|requests|limits|grafana_dashboard):", line)
            assert inside or section or lines[number - 1].lstrip().startswith("#"), f"line {number + 1}: {line}"


def test_the_schema_knows_the_values_and_no_others():
    def same(values: dict, told: dict, path: str) -> None:
        assert told.get("additionalProperties") is False, path
        assert set(values) == set(told["properties"]) - {"global"}, path
        for key, value in values.items():
            inner = told["properties"][key]
            if isinstance(value, dict) and "properties" in inner:
                same(value, inner, f"{path}.{key}")

    same(DEFAULTS, json.loads(schema.VALUES.read_text()), "values")


def test_the_schema_of_the_configuration_is_that_of_its_types():
    assert schema.VALUES.read_text() == schema.embedded(), "run tests/chart/schema.py"


def test_a_typo_in_the_configuration_is_found_at_render_time():
    told = refusal(merged(KEYS, CONFIG, {"config": {"provders": {}}}))
    assert "at '/config'" in told and "'provders' not allowed" in told
    told = refusal(merged(KEYS, CONFIG, {"config": {"probes": {"interval": "soon"}}}))
    assert "at '/config/probes/interval'" in told


def test_all_options_together_are_no_surprise():
    assert render(EVERYTHING).objects() and render(merged(EVERYTHING, POLICY)).objects()
