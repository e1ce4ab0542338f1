"""Sets of values, from none to all of them, that the chart has to make something right of."""

from __future__ import annotations

import yaml
from engine import CHART, KEYS, merged

CONFIG = {
    "config": {
        "providers": {
            "anthropic": {"api_key": {"file": "/var/run/secrets/sidestep/ANTHROPIC_API_KEY"}},
            "openai": {"api_key": {"file": "/var/run/secrets/sidestep/OPENAI_API_KEY"}},
        },
        "models": {
            "opus": {"provider": "anthropic", "model": "claude-opus-5-5", "context_window": 1000000},
            "gpt": {"provider": "openai", "model": "gpt-6.1-sol"},
        },
        "routes": [{"match": "claude-opus-*", "targets": ["opus", {"model": "gpt", "weight": 1}]}],
        "probes": {"budget": {"tokens_per_day": 2000000}},
    },
}
GATEWAY = {"gateway": {"enabled": True}}
MONITORING = {"monitoring": {name: {"enabled": True} for name in ("podMonitor", "prometheusRule", "dashboard")}}
POLICY = {"injector": {"mode": "policy"}, "guard": {"enabled": True}}
PLACED = {
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"pool": "edge"},
    "tolerations": [{"key": "edge", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "preference": {"matchExpressions": [{"key": "pool", "operator": "Exists"}]}}]}},
    "podAnnotations": {"example.com/owner": "platform"},
    "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
}
EVERYTHING = merged(KEYS, CONFIG, MONITORING, {
    "namespaces": ["shop", "search"],
    "image": {"repository": "registry.example.com/team/sidestep", "tag": "0.1.0-1", "pullSecrets": ["registry"]},
    "configMap": {"name": "llm", "otherNames": ["llm-batch"]},
    "injector": {"revision": "canary", "replicas": 3, **PLACED},
    "webhook": {"failurePolicy": "Ignore", "excludedNamespaces": ["kube-public"], "certificate": {"mode": "certManager"}},
    "guard": {"enabled": True},
    "gateway": {"enabled": True, "autoscaling": {"enabled": True}, "service": {"annotations": {"a": "b"}}, **PLACED},
    "networkPolicy": {"enabled": True, "apiServerCIDRs": ["10.0.0.1/32"]},
})

EXAMPLES = {f"example-{path.stem.removeprefix('values-')}": ("1.29", yaml.safe_load(path.read_text()))
            for path in sorted((CHART.parents[1] / "deploy" / "examples").glob("values-*.yaml"))}
assert EXAMPLES, "no examples"

# The first Kubernetes version for each set.
SETS: dict[str, tuple[str, dict]] = {
    "defaults": ("1.29", KEYS),
    "config": ("1.29", merged(KEYS, CONFIG, {"namespaces": ["shop"]})),
    "no-keys": ("1.29", merged({"keys": {"secretName": "-"}}, CONFIG)),
    "ordinary-container": ("1.29", merged(KEYS, {"sidecar": {"native": False, "runAsUser": None, "logLevel": "debug"}})),
    "gateway": ("1.29", merged(KEYS, GATEWAY, CONFIG)),
    "gateway-only": ("1.29", merged(KEYS, GATEWAY, MONITORING, {"injector": {"enabled": False}, "networkPolicy": {"enabled": True}})),
    "existing-secret": ("1.29", merged(KEYS, {"webhook": {"certificate": {"mode": "secret", "secretName": "mine"}}})),
    "cert-manager": ("1.29", merged(KEYS, {"webhook": {"certificate": {
        "mode": "certManager", "issuerRef": {"name": "ca", "kind": "ClusterIssuer"}}}})),
    "ipv6": ("1.29", merged(KEYS, GATEWAY, {"bindHost": "::"})),
    "digest": ("1.29", merged(KEYS, {"image": {"digest": "sha256:" + "0" * 64}})),
    "guard": ("1.30", merged(KEYS, {"guard": {"enabled": True}})),
    "policy": ("1.36", merged(KEYS, POLICY)),
    "everything": ("1.30", EVERYTHING),
    "everything-by-policy": ("1.36", merged(EVERYTHING, POLICY)),
    **EXAMPLES,
}
