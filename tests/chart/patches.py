"""What an API server makes of the patches that Helm sends, as far as the chart's objects need it."""

from __future__ import annotations

import copy

import yaml

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class Conflict(Exception):
    """Server-side apply of a field that another manager owns."""


def parse(body: bytes) -> dict:
    return yaml.safe_load(body)


def applied(kind: str, live: dict | None, patch: dict, owners: dict[tuple, str], manager: str) -> dict:
    """The object after the patch. `owners` says who set which path by Apply; it is kept up to date."""
    if kind in (MERGE, STRATEGIC):
        return merged(copy.deepcopy(live), patch, by_name=kind == STRATEGIC)
    if kind != APPLY:
        raise ValueError(f"no such patch: {kind}")
    for path, leaf in leaves(patch):
        owner = owners.get(path)
        if owner not in (None, manager) and at(live, path) != leaf:
            raise Conflict(f'Apply failed with 1 conflict: conflict with "{owner}": {path}')
    for path, _ in leaves(patch):
        owners.setdefault(path, manager)
    return merged(copy.deepcopy(live) or {}, patch, by_name=True)


def merged(live: object, patch: object, by_name: bool) -> object:
    if isinstance(live, dict) and isinstance(patch, dict):
        if patch.get("$patch") == "replace":
            return {key: value for key, value in patch.items() if key != "$patch"}
        for key, value in patch.items():
            if key.startswith("$"):
                continue
            if value is None:
                live.pop(key, None)
            else:
                live[key] = merged(live[key], value, by_name) if key in live else value
        return live
    if by_name and isinstance(live, list) and isinstance(patch, list) and named(live) and named(patch):
        return merged_list(live, patch)
    return patch


def merged_list(live: list, patch: list) -> list:
    result = list(live)
    names = [item["name"] for item in result]
    for item in patch:
        if item.get("$patch") == "delete":
            result = [kept for kept in result if kept["name"] != item["name"]]
        elif item["name"] in names:
            place = names.index(item["name"])
            result[place] = merged(result[place], item, by_name=True)
        else:
            result.append(item)
    return result


def named(items: list) -> bool:
    return all(isinstance(item, dict) and "name" in item for item in items)


def leaves(value: object, path: tuple = ()) -> list[tuple[tuple, object]]:
    """Paths to all values, list items by their name."""
    if isinstance(value, dict) and value:
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list) and value and named(value):
        return [leaf for item in value for leaf in leaves(item, (*path, f"[{item['name']}]"))]
    return [(path, value)]


def at(value: object, path: tuple) -> object:
    for step in path:
        if isinstance(value, list):
            value = next((item for item in value if f"[{item['name']}]" == step), None)
        else:
            value = (value or {}).get(step)
    return value
