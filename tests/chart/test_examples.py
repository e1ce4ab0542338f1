"""deploy/examples: what is applied is valid, and fits the chart that its values install."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from engine import CHART, render
from test_validity import VERSIONS

EXAMPLES = CHART.parents[1] / "deploy" / "examples"
MANIFESTS = ["namespaces.yaml", "keys.yaml", "providers.yaml", "app.yaml", "job.yaml"]
VALUES = ["values-keys.yaml", "values-simulated.yaml"]


def objects(name: str) -> list[dict]:
    return list(yaml.safe_load_all((EXAMPLES / name).read_text()))


def values(name: str) -> dict:
    return yaml.safe_load((EXAMPLES / name).read_text())


def one(manifest: str, kind: str, name: str) -> dict:
    return next(value for value in objects(manifest) if (value["kind"], value["metadata"]["name"]) == (kind, name))


def test_every_file_is_looked_at():
    assert {path.name for path in EXAMPLES.glob("*.yaml")} == {*MANIFESTS, *VALUES}
    text = (EXAMPLES / "README.md").read_text()
    assert all(f"deploy/examples/{name}" in text or f"`{name}`" in text for name in MANIFESTS + VALUES)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifests_are_valid(version: str):
    for value in [value for name in MANIFESTS for value in objects(name)]:
        kubernetes_validate.validate(value, version, strict=True)


@pytest.mark.parametrize("manifest, kind, name", [("app.yaml", "Deployment", "talk"), ("job.yaml", "Job", "count"), ("providers.yaml", "Deployment", "simulated")])
def test_pods_may_live_in_a_restricted_namespace(manifest: str, kind: str, name: str):
    pod = one(manifest, kind, name)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        context = container["securityContext"]
        assert not context["allowPrivilegeEscalation"] and context["capabilities"] == {"drop": ["ALL"]}
        assert "cpu" in container["resources"]["requests"]
        # Nothing that tells of Sidestep: that is the injector's part.
        assert not [entry for entry in container.get("env", []) if "URL" in entry["name"] or "KEY" in entry["name"]]


def test_the_keys_are_where_the_chart_looks_for_them():
    secret = objects("keys.yaml")[0]
    assert secret["metadata"]["name"] == values("values-keys.yaml")["keys"]["secretName"]
    shop = one("namespaces.yaml", "Namespace", "shop")
    assert shop["metadata"]["labels"]["sidestep.dev/inject"] == "enabled"
    assert secret["metadata"]["namespace"] == "shop" and values("values-simulated.yaml")["namespaces"] == ["shop"]
    assert render(values("values-keys.yaml")).settings()


def test_the_simulated_configuration_is_accepted_and_its_addresses_exist(tmp_path: Path):
    rendered = render(values("values-simulated.yaml")).one("ConfigMap", "sidestep", "shop")
    text = rendered["data"]["sidestep.yaml"]
    path = tmp_path / "sidestep.yaml"
    path.write_text(text)
    told = subprocess.run([os.environ["SIDESTEP"], "check", str(path)], capture_output=True, text=True, check=False, env={})
    assert told.returncode == 0 and "MISSING" not in told.stdout, told.stdout + told.stderr
    service = one("providers.yaml", "Service", "simulated")
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    for name, provider in yaml.safe_load(text)["providers"].items():
        assert provider["base_url"] == f"http://simulated.providers.svc:{ports[name]}/v1"
    pod = one("providers.yaml", "Deployment", "simulated")["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]} == ports


def test_the_image_is_the_charts():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    image = f"{yaml.safe_load((CHART / 'values.yaml').read_text())['image']['repository']}:{chart['appVersion']}"
    assert one("providers.yaml", "Deployment", "simulated")["spec"]["template"]["spec"]["containers"][0]["image"] == image
