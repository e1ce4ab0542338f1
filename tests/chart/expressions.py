"""The policies' CEL, evaluated outside of an API server, and what comes of it applied."""

from __future__ import annotations

import copy
import re
from decimal import Decimal
from functools import cache

import cel
import patches

SUFFIXES = {"m": Decimal("0.001"), "": Decimal(1), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}

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
                insert(pod, change)
        else:
            applied = evaluate(mutation["applyConfiguration"]["expression"], pod, variables)
            pod = patches.merged(pod, without_empty(applied), by_name=True)
    return pod


def insert(pod: dict, change: dict) -> None:
    """The one operation that there is. No list of objects in it: that is more than Kubernetes 1.36.2 can do."""
    assert (change["op"], change["path"]) == ("add", "/spec/initContainers/0"), change
    assert not any(isinstance(value, (list, dict)) for value in change["value"].values()), change
    pod["spec"]["initContainers"].insert(0, change["value"])


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
