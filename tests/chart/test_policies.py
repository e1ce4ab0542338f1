"""Injection by policy and the guard, against what the webhook itself makes of recorded requests (SIDESTEP_ADMISSION)."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import cel
import expressions
import pytest
import yaml
from engine import KEYS, merged, render
from options import CONFIG, POLICY

RECORDINGS = Path(os.environ.get("SIDESTEP_ADMISSION", "none")) / "admission"
MADE = {
    "windows-by-affinity": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["windows"]}]}]}}}},
    "either-by-affinity": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["windows", "linux"]}]}]}}}},
    "same-port-by-udp": {"containers": [{"name": "app", "image": "app", "ports": [{"containerPort": 6180, "protocol": "UDP"}]}]},
    "admin-port-in-use": {"containers": [{"name": "app", "image": "app", "ports": [{"containerPort": 6181, "protocol": "TCP"}]}]},
    "sixty-containers": {"containers": [{"name": f"app-{number}", "image": "app"} for number in range(60)]},
    "init-container-by-hand": {"initContainers": [{"name": "sidestep", "image": "app"}]},
}
RECORDED = sorted(path.stem for path in RECORDINGS.glob("*.json"))
CASES = RECORDED + list(MADE) if RECORDED else []
INJECTED = os.environ.get("SIDESTEP_INJECTED", "")
GUARD = {"guard": {"enabled": True}}

VALUES = {
    "keys": KEYS,
    "config": merged(KEYS, CONFIG, {"sidecar": {"logLevel": "debug", "placeholderKeys": False}}),
    "no-keys": merged({"keys": {"secretName": "-"}}, CONFIG, {"bindHost": "::", "sidecar": {"runAsUser": None}}),
}
ANNOTATIONS = {
    "config": "own", "keys-secret": "own-keys", "image": "registry.example/sidestep:2", "log-level": "warn",
    "cpu-request": "20m", "cpu-limit": "1", "memory-request": "32Mi", "memory-limit": "64Mi",
    "env": "HTTPS_PROXY=http://proxy:3128/?a=b\n\n REGION = eu \n",
}
ASKED = {
    "nothing": {},
    "everything": ANNOTATIONS,
    "much-cpu": {"cpu-request": "3"},
    "little-memory": {"memory-limit": "16Mi"},
}
# A policy looks at less: it leaves out requests wherever the pod has resources of its own, not only where they are used up.
POD_LEVEL = {"22-pod-level-resources", "23-pod-level-full"}


def test_there_are_recordings_and_a_webhook():
    assert len(RECORDED) >= 37, f"no recorded requests in {RECORDINGS}: set SIDESTEP_ADMISSION"
    assert INJECTED, "set SIDESTEP_INJECTED, as tests/chart/run does"


def recorded(case: str, asked: dict) -> dict:
    """A recorded request, or one that was made from the first."""
    review = json.loads((RECORDINGS / f"{'01-bare-pod' if case in MADE else case}.json").read_text())
    review["request"]["object"]["spec"].update(copy.deepcopy(MADE.get(case, {})))
    annotations = {f"sidestep.dev/{name}": value for name, value in asked.items()}
    if annotations:
        review["request"]["object"]["metadata"].setdefault("annotations", {}).update(annotations)
    return review


@cache
def by_webhook(values: str, asked: str) -> dict[str, dict]:
    settings = render(VALUES[values]).one("ConfigMap", "-injector")["data"]["inject.yaml"]
    reviews = "\n".join(json.dumps(recorded(case, ASKED[asked])) for case in CASES)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(settings)
        file.flush()
        told = subprocess.run([INJECTED, file.name, "pod"], input=reviews, capture_output=True, text=True, check=False)
    assert not told.returncode, told.stderr
    return dict(zip(CASES, map(json.loads, told.stdout.splitlines()), strict=True))


@cache
def policy(values: str) -> dict:
    return render(merged(VALUES[values], POLICY)).one("MutatingAdmissionPolicy")


def comparable(pod: dict) -> dict:
    """Without what only the webhook can say, what is nothing, and an order that means nothing."""
    pod = json.loads(json.dumps(pod))
    pod["spec"].get("volumes", []).sort(key=lambda volume: volume["name"])
    status = pod["metadata"].get("annotations", {}).get("sidestep.dev/status", "")
    if status.startswith("skipped"):
        del pod["metadata"]["annotations"]["sidestep.dev/status"]
        if not pod["metadata"]["annotations"]:
            del pod["metadata"]["annotations"]
    for container in pod["spec"].get("initContainers", []):
        if container["name"] == "sidestep" and not container.get("resources"):
            container.pop("resources", None)
    return pod


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("values", VALUES)
def test_a_policy_makes_of_a_pod_what_the_webhook_makes(values: str, asked: str):
    different = []
    for case, told in by_webhook(values, asked).items():
        pod = recorded(case, ASKED[asked])["request"]["object"]
        labelled = pod["metadata"].get("labels", {}).get("sidestep.dev/inject") == "enabled"
        # The selectors of the bindings keep the others away, as they do from the webhook.
        after = expressions.mutated(policy(values), pod) if labelled else pod
        one, other = comparable(told["pod"]), comparable(after)
        if case in POD_LEVEL:
            one, other = (without_resources(side) for side in (one, other))
        if one != other:
            different.append((case, told["did"], told["why"], difference(one, other)))
    assert not different, "\n".join(map(str, different))


def without_resources(pod: dict) -> dict:
    for container in pod["spec"]["initContainers"]:
        if container["name"] == "sidestep":
            container.pop("resources", None)
    return pod


def difference(one: object, other: object, path: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        return [told for key in one.keys() | other.keys() for told in difference(one.get(key), other.get(key), f"{path}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [told for at, (left, right) in enumerate(zip(one, other, strict=True)) for told in difference(left, right, f"{path}/{at}")]
    return [] if one == other else [f"{path}: webhook {json.dumps(one)}, policy {json.dumps(other)}"]


def test_what_an_api_server_refuses_is_seen_here():
    container = {"name": "sidestep", "ports": [{"containerPort": 1, "protocol": "TCP"}], "env": [{"name": "A", "value": "b"}]}
    assert not expressions.atomics({"spec": {"initContainers": [container]}}, expressions.POD)
    assert expressions.atomics({"spec": {"initContainers": [{"name": "a", "args": ["run"]}]}}, expressions.POD) == [".spec.initContainers[].args"]
    assert expressions.has_objects({"ports": [{"name": "a"}]}) and not expressions.has_objects({"args": ["a"], "items": []})


def test_a_policy_changes_nothing_the_second_time():
    for case in CASES:
        once = expressions.mutated(policy("config"), recorded(case, {})["request"]["object"])
        assert expressions.mutated(policy("config"), once) == once, case


@pytest.mark.parametrize("values", VALUES)
def test_the_guard_refuses_what_has_no_sidecar(values: str):
    guard = render(merged(VALUES[values], GUARD)).one("ValidatingAdmissionPolicy")
    for case, told in by_webhook(values, "nothing").items():
        before, message = recorded(case, {})["request"]["object"], expressions.denied(guard, told["pod"])
        wanted = told["did"] == "skip" and told["why"] in ("host_network", "windows", "port_in_use")
        assert (message is not None) == (wanted or told["why"] == "not_opted_in"), (case, told["why"], message)
        if wanted:
            assert "skipped: " in message, message
        if told["did"] == "inject":
            assert "the injector did not answer" in expressions.denied(guard, before), case


def test_bindings_choose_the_same_pods_as_the_webhook():
    webhooks = render(KEYS).one("MutatingWebhookConfiguration")["webhooks"]
    chosen = {entry["name"].split(".")[0]: (entry["namespaceSelector"], entry["objectSelector"]) for entry in webhooks}
    rendered = render(merged(KEYS, POLICY))
    for kind in ("MutatingAdmissionPolicyBinding", "ValidatingAdmissionPolicyBinding"):
        bound = {value["metadata"]["name"].rsplit("-", 1)[1]: value["spec"]["matchResources"] for value in rendered.all(kind)}
        assert {key: (value["namespaceSelector"], value["objectSelector"]) for key, value in bound.items()} == chosen
        assert all(rendered.one(kind.removesuffix("Binding"), value["spec"]["policyName"]) for value in rendered.all(kind))


def labels(selector: dict, given: dict) -> bool:
    """Whether a label selector takes these labels."""
    def holds(expression: dict) -> bool:
        value = given.get(expression["key"])
        match expression["operator"]:
            case "In":
                return value in expression["values"]
            case "NotIn":
                return value not in expression["values"]
            case "DoesNotExist":
                return value is None
        raise ValueError(expression)

    return all(holds(expression) for expression in selector["matchExpressions"])


ON, OFF, CANARY = {"sidestep.dev/inject": "enabled"}, {"sidestep.dev/inject": "disabled"}, {"sidestep.dev/revision": "canary"}


@pytest.mark.parametrize(("namespace", "pod", "called"), [
    ({}, {}, []),
    ({}, ON, ["pod"]),
    (ON, {}, ["namespace"]),
    (ON, ON, ["pod"]),
    (ON, OFF, []),
    (OFF, ON, []),
    ({}, OFF, []),
    (ON | CANARY, {}, []),
    ({}, ON | CANARY, []),
    (ON | {"kubernetes.io/metadata.name": "kube-system"}, ON, []),
    (ON | {"kubernetes.io/metadata.name": "sidestep"}, ON, []),
])
def test_labels_call_one_webhook_or_none(namespace: dict, pod: dict, called: list[str]):
    webhooks = render(KEYS).one("MutatingWebhookConfiguration")["webhooks"]
    namespace = {"kubernetes.io/metadata.name": "shop"} | namespace
    assert called == [entry["name"].split(".")[0] for entry in webhooks
                      if labels(entry["namespaceSelector"], namespace) and labels(entry["objectSelector"], pod)]


def test_the_settings_are_what_the_webhook_reads():
    for values in VALUES:
        assert by_webhook(values, "nothing")
    assert yaml.safe_load(render(KEYS).one("ConfigMap", "-injector")["data"]["inject.yaml"])["sidecar"]["image"] == "sidestep:0.1.0"


def test_expressions_are_cel_as_they_stand():
    """Types and all; elsewhere they are evaluated without."""
    spec = policy("config")["spec"]
    told = [*spec["matchConditions"], *spec["variables"]] + [mutation.get("jsonPatch") or mutation["applyConfiguration"] for mutation in spec["mutations"]]
    for one in told:
        cel.compile(one["expression"])
    with pytest.raises(ValueError, match="parse"):
        cel.compile("Object{spec: Object.spec{volumes: [}}")
