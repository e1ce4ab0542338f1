"""What is rendered, held against the published schemas of every Kubernetes version that it is for."""

from __future__ import annotations

import json
import re

import kubernetes_validate
import pytest
import yaml
from engine import CHART, KEYS, Rendered, merged, render
from options import SETS

VERSIONS = ["1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"]
CUSTOM = {"PodMonitor", "PrometheusRule", "Certificate", "Issuer"}
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")


def minor(version: str) -> int:
    return int(version.split(".")[1])


def rendered(name: str, version: str) -> Rendered:
    return render(SETS[name][1], version)


def pods(objects: list[dict]) -> list[dict]:
    """Specs of pods, by themselves or in a Deployment."""
    return [value["spec"] if value["kind"] == "Pod" else value["spec"]["template"]["spec"]
            for value in objects if value["kind"] in ("Pod", "Deployment")]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(version: str):
    """Strictly: a field that this version does not know is an error. The same object is looked at once."""
    sets = [name for name, (first, _) in SETS.items() if minor(version) >= minor(first)]
    objects = [value for name in sets for value in rendered(name, version).objects() if value["kind"] not in CUSTOM]
    different = {json.dumps(value, sort_keys=True): value for value in objects}
    assert len(different) > 20
    for value in different.values():
        kubernetes_validate.validate(value, version, strict=True)


def test_what_is_not_valid_is_found():
    broken = render(SETS["defaults"][1]).one("Deployment", "-injector")
    broken["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readinesProbe"):
        kubernetes_validate.validate(broken, "1.36", strict=True)


@pytest.mark.parametrize("name", SETS)
def test_custom_resources_have_the_essentials(name: str):
    for value in rendered(name, "1.36").objects():
        spec = value.get("spec", {})
        match value["kind"]:
            case "PodMonitor":
                assert set(spec) <= {"namespaceSelector", "selector", "podMetricsEndpoints"} and "selector" in spec
                ports = {port["name"] for pod in pods(rendered(name, "1.36").objects()) for one in pod["containers"] for port in one.get("ports", [])}
                assert all(set(one) == {"port", "path", "interval"} and one["port"] in ports | {"sidestep-admin"} for one in spec["podMetricsEndpoints"])
            case "PrometheusRule":
                assert spec == yaml.safe_load((CHART / "files" / "rules.yaml").read_text())
                assert spec["groups"] and all(rule["expr"] and ("alert" in rule or "record" in rule) for group in spec["groups"] for rule in group["rules"])
            case "Certificate":
                service = rendered(name, "1.36").one("Service", "-injector")["metadata"]
                assert f"{service['name']}.{service['namespace']}.svc" in spec["dnsNames"]
                mounted = [volume["secret"]["secretName"] for pod in pods(rendered(name, "1.36").objects())
                           for volume in pod.get("volumes", []) if volume["name"] == "certificate"]
                assert mounted == [spec["secretName"]] and spec["issuerRef"]["kind"] in ("Issuer", "ClusterIssuer")
            case "Issuer":
                assert spec == {"selfSigned": {}}


def test_alerts_link_to_where_their_pages_are():
    value = {"monitoring": {"prometheusRule": {"enabled": True, "runbooks": "https://git.example.com/sidestep/blob/main/"}}}
    rules = render(merged(KEYS, value)).one("PrometheusRule", "")
    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    page = "https://git.example.com/sidestep/blob/main/deploy/docs/alerts.md"
    assert alerts and all(alert["annotations"]["runbook_url"] == f"{page}#{alert['alert'].lower()}" for alert in alerts)


def test_the_dashboard_is_the_one_of_the_file():
    dashboard = render(SETS["everything"][1]).one("ConfigMap", "-dashboard")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["sidestep.json"]) == json.loads((CHART / "files" / "dashboard.json").read_text())


@pytest.mark.parametrize("name", SETS)
def test_names_and_labels_are_within_limits(name: str):
    for value in rendered(name, "1.36").objects():
        metadata = value["metadata"]
        assert NAME.fullmatch(metadata["name"]) and len(metadata["name"]) <= 63, metadata["name"]
        for key, label in metadata.get("labels", {}).items():
            assert LABEL.fullmatch(label) and len(label) <= 63 and len(key.split("/")[-1]) <= 63, (key, label)
    for pod in pods(rendered(name, "1.36").objects()):
        for container in pod["containers"]:
            assert all(len(port["name"]) <= 15 for port in container.get("ports", []))


@pytest.mark.parametrize("name", SETS)
def test_pods_are_as_a_restricted_namespace_wants_them(name: str):
    for pod in pods(rendered(name, "1.36").objects()):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod.get("hostNetwork") and not [volume for volume in pod.get("volumes", []) if "hostPath" in volume]
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, "autoscaling needs requests"
            assert "lifecycle" not in container
            probes = [container[kind] for kind in ("startupProbe", "readinessProbe", "livenessProbe") if kind in container]
            assert all("host" not in probe["httpGet"] for probe in probes)


@pytest.mark.parametrize("name", SETS)
def test_services_and_disruption_budgets_find_their_pods(name: str):
    objects = rendered(name, "1.36").objects()
    templates = {value["metadata"]["name"]: value["spec"]["template"] for value in objects if value["kind"] == "Deployment"}
    for value in objects:
        if value["kind"] in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
            spec = value["spec"]
            selector = spec.get("podSelector") or spec["selector"]
            selector = selector.get("matchLabels", selector)
            found = [at for at, template in templates.items() if selector.items() <= template["metadata"]["labels"].items()]
            assert found == [value["metadata"]["name"]]
            ports = {port["name"] for port in templates[found[0]]["spec"]["containers"][0]["ports"]}
            assert {port["targetPort"] for port in spec.get("ports", [])} <= ports
            assert {port["port"] for rule in spec.get("ingress", []) for port in rule["ports"]} <= ports


def test_long_names_stay_apart():
    def names(release: str) -> set[str]:
        values = SETS["everything"][1]
        result = render(values, "1.36", release=release)
        assert all(len(value["metadata"]["name"]) <= 63 for value in result.objects())
        return {value["metadata"]["name"] for value in result.objects() if value["kind"] in ("Deployment", "ClusterRole")}

    assert not names("a" * 52 + "1") & names("a" * 52 + "2")
