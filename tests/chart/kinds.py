"""The kinds that the chart may render: apiVersion to kind to its plural and whether it lives in a namespace."""

GROUPS: dict[str, dict[str, tuple[str, bool]]] = {
    "v1": {
        "ConfigMap": ("configmaps", True),
        "Namespace": ("namespaces", False),
        "Pod": ("pods", True),
        "Secret": ("secrets", True),
        "Service": ("services", True),
        "ServiceAccount": ("serviceaccounts", True),
    },
    "apps/v1": {"Deployment": ("deployments", True), "ReplicaSet": ("replicasets", True)},
    "admissionregistration.k8s.io/v1": {
        "MutatingWebhookConfiguration": ("mutatingwebhookconfigurations", False),
        "ValidatingAdmissionPolicy": ("validatingadmissionpolicies", False),
        "ValidatingAdmissionPolicyBinding": ("validatingadmissionpolicybindings", False),
        "MutatingAdmissionPolicy": ("mutatingadmissionpolicies", False),
        "MutatingAdmissionPolicyBinding": ("mutatingadmissionpolicybindings", False),
    },
    "autoscaling/v2": {"HorizontalPodAutoscaler": ("horizontalpodautoscalers", True)},
    "cert-manager.io/v1": {"Certificate": ("certificates", True), "Issuer": ("issuers", True)},
    "coordination.k8s.io/v1": {"Lease": ("leases", True)},
    "monitoring.coreos.com/v1": {"PodMonitor": ("podmonitors", True), "PrometheusRule": ("prometheusrules", True)},
    "networking.k8s.io/v1": {"NetworkPolicy": ("networkpolicies", True)},
    "policy/v1": {"PodDisruptionBudget": ("poddisruptionbudgets", True)},
    "rbac.authorization.k8s.io/v1": {
        "ClusterRole": ("clusterroles", False),
        "ClusterRoleBinding": ("clusterrolebindings", False),
        "Role": ("roles", True),
        "RoleBinding": ("rolebindings", True),
    },
}

KINDS = {plural: (version, kind) for version, kinds in GROUPS.items() for kind, (plural, _) in kinds.items()}


def resource_of(api_version: str, kind: str) -> tuple[str, str, bool]:
    """The path before the namespace, the plural, and whether there is a namespace in between."""
    plural, namespaced = GROUPS[api_version][kind]
    return ("/api/" if api_version == "v1" else "/apis/") + api_version, plural, namespaced


def checks_fields(version: str) -> dict:
    """So much OpenAPI that a client leaves the checking of fields to the server."""
    checked = {"parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}], "responses": {}}
    paths = {f"/{plural}/{{name}}": {"patch": checked | {"x-kubernetes-group-version-kind": {"group": "", "version": version, "kind": kind}}}
             for kind, (plural, _) in GROUPS[version].items()}
    return {"openapi": "3.0.0", "info": {"title": "stub", "version": version}, "paths": paths}
