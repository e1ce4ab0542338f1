"""The Helm engine, pointed at a stub cluster."""

from __future__ import annotations

import asyncio
import base64
import copy
import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import helm_sdkpy
import yaml
from cluster import Cluster

CHART = Path(__file__).resolve().parents[2] / "helm" / "sidestep"
KEYS = {"keys": {"secretName": "llm-keys"}}


@dataclass
class Rendered:
    """What one install or upgrade made."""

    manifest: str
    notes: str
    hooks: list[dict]

    def objects(self) -> list[dict]:
        """All objects of the release, hooks too."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return [value for value in yaml.load_all(self.manifest, loader) if value] + copy.deepcopy(self.hooks)

    def one(self, kind: str, ending: str = "", namespace: str | None = None) -> dict:
        """The one object of a kind whose name ends so."""
        found = self.all(kind, ending, namespace)
        assert len(found) == 1, f"{len(found)} of {kind} *{ending} in {namespace}"
        return found[0]

    def settings(self) -> dict:
        """The injector's own."""
        return yaml.safe_load(self.one("ConfigMap", "-injector")["data"]["inject.yaml"])

    def all(self, kind: str, ending: str = "", namespace: str | None = None) -> list[dict]:
        return [value for value in self.objects() if value["kind"] == kind and value["metadata"]["name"].endswith(ending)
                and namespace in (None, value["metadata"].get("namespace"))]


def merged(*values: dict) -> dict:
    """Values over values, as several -f do it."""
    result: dict = {}
    for given in values:
        for key, value in given.items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merged(result[key], value) if both else value
    return result


def install(cluster: Cluster, values: dict, release: str = "sidestep", namespace: str = "sidestep", **options: object) -> Rendered:
    with helm_sdkpy.Configuration(namespace=namespace, kubeconfig=cluster.kubeconfig()) as config:
        run = helm_sdkpy.Install(config).run(release, str(CHART), values, wait=False, **options)
        asyncio.run(run)
    return rendered(cluster, release, namespace)


def upgrade(cluster: Cluster, values: dict, release: str = "sidestep", namespace: str = "sidestep", **options: object) -> Rendered:
    with helm_sdkpy.Configuration(namespace=namespace, kubeconfig=cluster.kubeconfig()) as config:
        run = helm_sdkpy.Upgrade(config).run(release, str(CHART), values, wait=False, **options)
        asyncio.run(run)
    return rendered(cluster, release, namespace)


def uninstall(cluster: Cluster, release: str = "sidestep", namespace: str = "sidestep") -> None:
    with helm_sdkpy.Configuration(namespace=namespace, kubeconfig=cluster.kubeconfig()) as config:
        asyncio.run(helm_sdkpy.Uninstall(config).run(release, wait=False))


def test(cluster: Cluster, release: str = "sidestep", namespace: str = "sidestep") -> None:
    """`helm test`."""
    with helm_sdkpy.Configuration(namespace=namespace, kubeconfig=cluster.kubeconfig()) as config:
        asyncio.run(helm_sdkpy.ReleaseTest(config).run(release))


def render(values: dict | None = None, version: str = "1.36", release: str = "sidestep") -> Rendered:
    """A first install in a cluster of its own; the same one is not made twice."""
    return kept(json.dumps(KEYS if values is None else values, sort_keys=True), version, release)


@cache
def kept(values: str, version: str, release: str) -> Rendered:
    return fresh(json.loads(values), version, release)


def fresh(values: dict, version: str = "1.36", release: str = "sidestep") -> Rendered:
    """The same, made again each time."""
    with Cluster(version, ("sidestep", "shop", "search")) as cluster:
        return install(cluster, values, release)


def refusal(values: dict, version: str = "1.36") -> str:
    """What Helm says when it does not install."""
    try:
        fresh(values, version)
    except helm_sdkpy.HelmError as error:
        return str(error)
    raise AssertionError(f"installed with {values}")


def rendered(cluster: Cluster, release: str, namespace: str) -> Rendered:
    """What Helm has stored of the latest revision: hooks and notes are only there."""
    kept = [value for value in cluster.objects.values() if value.get("type") == "helm.sh/release.v1"
            and (value["metadata"]["namespace"], value["metadata"]["labels"]["name"]) == (namespace, release)]
    latest = max(kept, key=lambda value: int(value["metadata"]["labels"]["version"]))
    told = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(latest["data"]["release"]))))
    hooks = [yaml.safe_load(hook["manifest"]) for hook in told.get("hooks") or []]
    return Rendered(told.get("manifest", ""), told["info"].get("notes", ""), hooks)
