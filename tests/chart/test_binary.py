"""What is rendered for the binary, read by the binary (SIDESTEP)."""

from __future__ import annotations

import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from engine import KEYS, merged, render
from options import CONFIG, GATEWAY, SETS

SIDESTEP = os.environ.get("SIDESTEP", "")
SECRETS = "/var/run/secrets/sidestep"


def sidestep(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([SIDESTEP, *words], capture_output=True, text=True, check=False, env={})


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", [name for name, (_, values) in SETS.items() if "config" in values])
def test_the_configuration_is_accepted(name: str, tmp_path: Path):
    """Numbers too: a template that wrote 1e+06 for a million would be refused."""
    rendered = [value for value in render(SETS[name][1]).all("ConfigMap") if "sidestep.yaml" in value["data"]]
    assert rendered
    for value in rendered:
        path = put(tmp_path, "sidestep.yaml", value["data"]["sidestep.yaml"])
        told = sidestep("check", str(path))
        assert told.returncode == 0, told.stderr
        assert ": fine, " in told.stdout


def served(url: str, process: subprocess.Popen) -> str:
    for _ in range(400):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except urllib.error.URLError:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
    raise AssertionError(f"nothing at {url}")


def here(words: list[str], folder: Path) -> list[str]:
    """A command line as in a Deployment, with ports that are free and folders that are there."""
    words = [re.sub(r"0\.0\.0\.0:(6180|6181)$", "127.0.0.1:0", word) for word in words]
    return [word.replace(SECRETS, f"{folder}/keys").replace("/etc/sidestep", f"{folder}/config") for word in words]


def test_the_gateway_starts_with_its_arguments(tmp_path: Path):
    rendered = render(merged(KEYS, GATEWAY, CONFIG, {"config": {"probes": {"enabled": False}}}))
    container = rendered.one("Deployment", "-gateway")["spec"]["template"]["spec"]["containers"][0]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {SECRETS, "/etc/sidestep"}
    put(tmp_path, "keys/ANTHROPIC_API_KEY", "not-a-key")
    text = rendered.one("ConfigMap", "sidestep")["data"]["sidestep.yaml"]
    put(tmp_path, "config/sidestep.yaml", text.replace(SECRETS, f"{tmp_path}/keys"))
    log = tmp_path / "log"
    with log.open("w") as out, subprocess.Popen([SIDESTEP, *here(container["args"], tmp_path)], stderr=out, env={}) as process:
        try:
            address = started(log, process)
            assert served(f"http://{address}/readyz", process)
            assert "sidestep_build_info" in served(f"http://{address}/metrics", process)
            assert sidestep("status", "--admin", f"http://{address}").returncode == 0, "what `helm test` runs"
            process.terminate()
            assert served(f"http://{address}/livez", process), "still there for the time of --drain-grace"
        finally:
            process.kill()


def test_a_gateway_without_a_configuration_goes_by_its_keys(tmp_path: Path):
    """Checked and not run, for it would ask the real providers."""
    container = render(merged(KEYS, GATEWAY)).one("Deployment", "-gateway")["spec"]["template"]["spec"]["containers"][0]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == [SECRETS]
    put(tmp_path, "keys/ANTHROPIC_API_KEY", "not-a-key")
    put(tmp_path, "keys/OPENAI_API_KEY", "not-a-key")
    words = here(container["args"], tmp_path)
    assert words[0] == "run" and words[1:3] == ["--keys", f"{tmp_path}/keys"]
    told = sidestep("check", *words[1:3])
    assert told.returncode == 0 and "2 providers" in told.stdout, told.stderr


def started(log: Path, process: subprocess.Popen) -> str:
    for _ in range(400):
        found = re.search(r"admin=([0-9.:]+)", log.read_text())
        if found:
            return found[1]
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def test_what_helm_test_runs_fails_where_there_is_no_sidecar():
    pod = render(KEYS).one("Pod", "-test")
    assert pod["spec"]["containers"][0]["args"] == ["status"]
    assert sidestep("status", "--admin", "http://127.0.0.1:9").returncode == 3
    assert pod["metadata"]["labels"]["sidestep.dev/inject"] == "enabled"
    assert pod["metadata"]["namespace"] != "sidestep", "nothing is injected in the release's own namespace"


def test_the_configuration_of_the_test_pod_is_accepted(tmp_path: Path):
    text = render(KEYS).one("ConfigMap", "-test")["data"]["sidestep.yaml"]
    told = sidestep("check", str(put(tmp_path, "sidestep.yaml", text)))
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("name", [name for name, (_, values) in SETS.items() if values.get("injector", {}).get("enabled", True)
                                  and values.get("injector", {}).get("mode") != "policy"])
def test_the_injector_takes_its_command_line_and_settings(name: str, tmp_path: Path):
    """It ends for want of a cluster, and not before: settings that it refuses end it with 2."""
    rendered = render(SETS[name][1])
    args = rendered.one("Deployment", "-injector")["spec"]["template"]["spec"]["containers"][0]["args"]
    path = put(tmp_path, "inject.yaml", rendered.one("ConfigMap", "-injector")["data"]["inject.yaml"])
    told = sidestep(*[word.replace("/etc/sidestep-inject/inject.yaml", str(path)) for word in args])
    assert told.returncode == 1 and "not in a Kubernetes pod" in told.stderr, told.stderr
    path.write_text(path.read_text().replace("sidecar:", "sidecars:"))
    assert sidestep("inject", "--config", str(path)).returncode == 2
