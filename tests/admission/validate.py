"""Holds pods to the strict schemas of Kubernetes: validate.py FOLDER, with a folder in it for each way of injecting.

A pod that the version does not know as it came (it has a newer field) is held to have no fault but those it came with.
"""

import copy
import json
import pathlib
import sys

import importlib_resources
import jsonschema
import referencing

NATIVE = [f"1.{minor}" for minor in range(29, 38)]
# Before native sidecars, an ordinary container.
PLAIN = [f"1.{minor}" for minor in range(25, 29)] + NATIVE


def validator(version):
    """One validator for a version, where the package's own function reads the schemas again for each pod."""
    folder = importlib_resources.files("kubernetes_validate") / f"kubernetes-json-schema/v{version}.0-local-strict"
    schema, definitions = (json.loads((folder / name).read_text()) for name in ("pod-v1.json", "_definitions.json"))
    resources = [referencing.Resource.from_contents(one) for one in (schema, definitions)]
    return jsonschema.validators.Draft202012Validator(schema, registry=resources @ referencing.Registry())


def faults(judge, pod):
    return {f"{error.json_path}: {error.message[:300]}" for error in judge.iter_errors(pod)}


def held(judge):
    """The judge finds what is wrong with a sidecar, so that its silence means something."""
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": "b"}]}}
    assert not faults(judge, pod)
    for key, value in (("startupProb", {}), ("ports", [{"containerPort": "6181"}]), ("image", 1)):
        wrong = copy.deepcopy(pod)
        wrong["spec"]["initContainers"] = [{"name": "sidestep", key: value}]
        assert faults(judge, wrong), f"{key} was let by"


def main():
    folder = pathlib.Path(sys.argv[1])
    ways = sorted(path.name for path in folder.iterdir() if path.name != "original")
    found, checked = [], 0
    for version in PLAIN:
        judge = validator(version)
        held(judge)
        newer = 0
        for original in sorted((folder / "original").iterdir()):
            known = faults(judge, json.loads(original.read_text()))
            newer += bool(known)
            for way in ways:
                path = folder / way / original.name
                if path.exists() and (version in NATIVE or way == "plain"):
                    pod = json.loads(path.read_text())
                    found += [f"{version} {way}/{original.name} {fault}" for fault in faults(judge, pod) - known]
                    checked += 1
        print(f"{version}: {newer} pods had a fault before, such as a field that is newer")
    print(*found, f"{checked} pods, {len(found)} faults", sep="\n")
    return 1 if found or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
