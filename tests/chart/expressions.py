"""The policies' CEL, evaluated outside of an API server, and what comes of it applied."""

from __future__ import annotations

import copy
import json
import re
from decimal import Decimal
from functools import cache
from pathlib import Path

import cel
import kubernetes_validate
import patches

SUFFIXES = {"m": Decimal("0.001"), "": Decimal(1), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}

SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
SCHEMA = json.loads((SCHEMAS / "v1.36.0-local-strict" / "_definitions.json").read_text())["$defs"]
POD = SCHEMA["io.k8s.api.core.v1.Pod"]

# What an API server adds to the language, as far as the policies use it.
LIBRARY = {
    "quantity": lambda text: quantity(text),
    "isGreaterThan": lambda one, other: one > other,
    "trim": lambda text: text.strip(),
    "split": lambda text, by: text.split(by),
    "indexOf": lambda text, part: text.find(part),
    "substring": lambda text, start: text[start:],
}


def quantity(text: str) -> float:
    number, suffix = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", text).groups()
    return float(Decimal(number) * SUFFIXES[suffix])


def plain(expression: str) -> str:
    """Typed objects as maps, which is what they are apart from their types: `Object.spec{containers: x}`."""
    untyped = re.sub(r"\b(Object|JSONPatch)[A-Za-z.]*\{", "{", expression)
    return re.sub(r"(?<![\w'.])([A-Za-z]+):(?=\s)", r"'\1':", untyped)


def evaluate(expression: str, pod: dict, variables: dict | None = None) -> object:
    context = cel.Context({"object": pod, "variables": variables or {}})
    for name, function in LIBRARY.items():
        context.add_function(name, function)
    return program(expression).execute(context)


@cache
def program(expression: str) -> cel.Program:
    return cel.compile(plain(expression))


def matches(policy: dict, pod: dict) -> bool:
    """Whether all match conditions hold."""
    return all(evaluate(condition["expression"], pod) for condition in policy["spec"]["matchConditions"])


def mutated(policy: dict, pod: dict) -> dict:
    """The pod after all mutations, each of which sees what the one before made."""
    pod = copy.deepcopy(pod)
    if not matches(policy, pod):
        return pod
    for mutation in policy["spec"]["mutations"]:
        variables: dict = {}
        for variable in policy["spec"]["variables"]:
            variables[variable["name"]] = evaluate(variable["expression"], pod, variables)
        if mutation["patchType"] == "JSONPatch":
            for change in evaluate(mutation["jsonPatch"]["expression"], pod, variables):
                add(pod, change)
        else:
            applied = evaluate(mutation["applyConfiguration"]["expression"], pod, variables)
            assert not atomics(applied, POD), "an API server refuses an ApplyConfiguration with these"
            pod = patches.merged(pod, without_empty(applied), by_name=True)
    return pod


def add(pod: dict, change: dict) -> None:
    """One operation. A list of objects in its value is more than Kubernetes 1.36.2 can do."""
    assert change["op"] == "add" and not has_objects(change["value"]), change
    *parents, last = change["path"].removeprefix("/").split("/")
    target: dict | list = pod
    for step in parents:
        target = target[int(step)] if isinstance(target, list) else target[step]
    if isinstance(target, list):
        place = len(target) if last == "-" else int(last)
        assert place <= len(target), change
        target.insert(place, change["value"])
    else:
        target[last] = change["value"]


def has_objects(value: object) -> bool:
    """Whether there is a list of objects in it, however deep."""
    if isinstance(value, dict):
        return any(map(has_objects, value.values()))
    return isinstance(value, list) and any(isinstance(item, dict) or has_objects(item) for item in value)


def atomics(value: object, told: dict, path: str = "") -> list[str]:
    """Where a value has what Kubernetes only ever sets as a whole. Told by its schema, as in server-side apply."""
    told = SCHEMA[told["$ref"].rsplit("/", 1)[1]] if "$ref" in told else told
    if isinstance(value, list):
        if told.get("x-kubernetes-list-type", "atomic") == "atomic":
            return [path]
        return [found for item in value for found in atomics(item, told["items"], f"{path}[]")]
    if isinstance(value, dict):
        if told.get("x-kubernetes-map-type") == "atomic":
            return [path]
        inner = told.get("properties", {})
        return [found for key, item in value.items() for found in atomics(item, inner.get(key, {}), f"{path}.{key}")]
    return []


def without_empty(value: object) -> object:
    """Empty lists and maps are not kept by an API server, save for structures that say something by being there."""
    if isinstance(value, dict):
        return {key: without_empty(inner) for key, inner in value.items() if inner not in ([], {})}
    if isinstance(value, list):
        return [without_empty(inner) for inner in value]
    return value


def denied(policy: dict, pod: dict) -> str | None:
    """The guard's message, if it refuses the pod."""
    if not matches(policy, pod):
        return None
    for validation in policy["spec"]["validations"]:
        if not evaluate(validation["expression"], pod):
            return cel.evaluate(validation["messageExpression"], cel.Context({"object": pod}))
    return None
