"""Install, upgrade and uninstall, by the real engine."""

from __future__ import annotations

import asyncio

import engine
import helm_sdkpy
import pytest
from cluster import Cluster
from engine import KEYS, fresh, install, merged, refusal, render, uninstall, upgrade
from options import CONFIG, SETS

BUNDLE = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"
NAMESPACES = ("sidestep", "shop", "search")


def test_lint_finds_nothing():
    with Cluster() as cluster, helm_sdkpy.Configuration(namespace="sidestep", kubeconfig=cluster.kubeconfig()) as config:
        told = asyncio.run(helm_sdkpy.Lint(config).run(str(engine.CHART)))
    assert told["TotalChartsLinted"] == 1 and not told["Errors"]
    # 1 is information: that there is no icon.
    assert all(message["Severity"] == 1 for message in told["Messages"]), told


@pytest.mark.parametrize("name", SETS)
def test_two_renders_are_the_same(name: str):
    _, values = SETS[name]
    one, other = fresh(values), fresh(values)
    assert one.manifest == other.manifest and one.hooks == other.hooks and one.notes == other.notes
    assert one.manifest.strip() and one.notes.strip()


@pytest.mark.parametrize("name", SETS)
def test_no_certificate_data_is_rendered(name: str):
    _, values = SETS[name]
    rendered = render(values, "1.36")
    assert "caBundle:" not in rendered.manifest and "BEGIN" not in rendered.manifest
    assert not [secret for secret in rendered.all("Secret") if secret.get("data") or secret.get("stringData")]


@pytest.mark.parametrize("server_side", [True, False], ids=["server-side", "client-side"])
def test_an_upgrade_leaves_what_the_injector_wrote(server_side: bool):
    with Cluster("1.36", NAMESPACES) as cluster:
        install(cluster, KEYS, server_side_apply=server_side)
        webhook, secret = cluster.get("MutatingWebhookConfiguration", "sidestep-inject"), cluster.get("Secret", "sidestep-injector-tls")
        for entry in webhook["webhooks"]:
            entry["clientConfig"]["caBundle"] = BUNDLE
            cluster.own(webhook, ("webhooks", f"[{entry['name']}]", "clientConfig", "caBundle"), "sidestep-inject")
        secret["data"] = {"tls.crt": BUNDLE}
        cluster.own(secret, ("data", "tls.crt"), "sidestep-inject")
        upgrade(cluster, merged(KEYS, {"webhook": {"timeoutSeconds": 9}, "gateway": {"enabled": True}}), server_side_apply=server_side)
        webhook, secret = cluster.get("MutatingWebhookConfiguration", "sidestep-inject"), cluster.get("Secret", "sidestep-injector-tls")
        assert [entry["clientConfig"].get("caBundle") for entry in webhook["webhooks"]] == [BUNDLE, BUNDLE]
        assert [entry["timeoutSeconds"] for entry in webhook["webhooks"]] == [9, 9]
        assert secret["data"] == {"tls.crt": BUNDLE}
        assert cluster.get("Deployment", "sidestep-gateway"), "what is new is there"


def test_a_chart_that_rendered_the_bundle_would_conflict():
    """That the server above does tell whose a field is."""
    with Cluster("1.36", NAMESPACES) as cluster:
        install(cluster, KEYS, server_side_apply=True)
        webhook = cluster.get("MutatingWebhookConfiguration", "sidestep-inject")
        webhook["webhooks"][0]["timeoutSeconds"] = 7
        cluster.own(webhook, ("webhooks", f"[{webhook['webhooks'][0]['name']}]", "timeoutSeconds"), "somebody")
        with pytest.raises(helm_sdkpy.UpgradeError, match="conflict with \"somebody\""):
            upgrade(cluster, merged(KEYS, {"webhook": {"timeoutSeconds": 9}}), server_side_apply=True)


def test_settings_that_change_make_new_injector_pods_and_others_do_not():
    def template(values: dict) -> dict:
        return render(merged(KEYS, values)).one("Deployment", "-injector")["spec"]["template"]

    assert template({}) == template({"gateway": {"enabled": True}})
    assert template({}) != template({"sidecar": {"logLevel": "debug"}})


def test_a_second_release_for_the_same_label_is_refused():
    with Cluster("1.36", (*NAMESPACES, "other")) as cluster:
        install(cluster, KEYS)
        with pytest.raises(helm_sdkpy.InstallError, match='"sidestep-inject".*exists and cannot be imported'):
            install(cluster, KEYS, release="other", namespace="other")


@pytest.mark.parametrize(("release", "namespace"), [("other", "other"), ("sidestep", "other"), ("other", "sidestep")])
def test_a_second_release_with_a_revision_shares_nothing(release: str, namespace: str):
    with Cluster("1.36", (*NAMESPACES, "other")) as cluster:
        first = install(cluster, merged(KEYS, CONFIG, {"gateway": {"enabled": True}}))
        values = merged(KEYS, CONFIG, {"gateway": {"enabled": True}, "injector": {"revision": "canary"}, "configMap": {"name": "canary"}})
        second = install(cluster, values, release=release, namespace=namespace)

        def selectors(rendered: engine.Rendered) -> list[dict]:
            return [value["spec"]["selector"] for value in rendered.all("Service")]

        if release == "other" or namespace == "other":
            assert not {name_of(value) for value in first.objects()} & {name_of(value) for value in second.objects()}
        if namespace == "sidestep":
            assert all(selector not in selectors(first) for selector in selectors(second))
        halves = [entry for rendered in (first, second) for entry in rendered.one("MutatingWebhookConfiguration")["webhooks"]]
        revisions = {str(expression) for entry in halves for expression in
                     entry["namespaceSelector"]["matchExpressions"] + entry["objectSelector"]["matchExpressions"]
                     if expression["key"] == "sidestep.dev/revision"}
        assert len(revisions) == 2, "one that has no revision, and one for canary"


def test_uninstall_takes_everything_but_what_runs():
    with Cluster("1.36", NAMESPACES) as cluster:
        install(cluster, merged(KEYS, {"gateway": {"enabled": True}}))
        running = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": "shop"}}
        keys = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "llm-keys", "namespace": "shop"}}
        cluster.put(running)
        cluster.put(keys)
        uninstall(cluster)
        assert cluster.of_release() == [running, keys]


def test_what_running_pods_mount_outlives_the_release_and_is_taken_up_by_the_next():
    values = merged(KEYS, CONFIG, {"namespaces": ["shop"]})
    with Cluster("1.36", NAMESPACES) as cluster:
        install(cluster, values)
        uninstall(cluster)
        assert [(value["kind"], value["metadata"]["namespace"]) for value in cluster.of_release()] == [("ConfigMap", "shop")]
        install(cluster, merged(values, {"config": {"probes": {"enabled": False}}}))
        assert "enabled: false" in cluster.get("ConfigMap", "sidestep", "shop")["data"]["sidestep.yaml"]


def test_a_sidecar_needs_nothing_of_the_release():
    """So that pods go on when it is uninstalled: only the ConfigMap in their own namespace is of the release."""
    settings = render(KEYS).settings()
    assert "config" not in settings["sidecar"] and settings["sidecar"]["keys_secret"] == "llm-keys"
    assert render(merged(KEYS, CONFIG)).settings()["sidecar"]["config"] == "sidestep"
    kept = render(merged(KEYS, CONFIG, {"namespaces": ["shop"]})).one("ConfigMap", "sidestep", "shop")
    assert kept["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_a_namespace_that_does_not_exist_is_named():
    with Cluster("1.36", ("sidestep",)) as cluster, pytest.raises(helm_sdkpy.InstallError, match='namespaces "shop" not found'):
        install(cluster, merged(KEYS, CONFIG, {"namespaces": ["shop"]}))


REFUSED = {
    "nothing": ({}, "keys.secretName is not set"),
    "typo": (merged(KEYS, {"gatway": {"enabled": True}}), "additional properties 'gatway' not allowed"),
    "typo-inside": (merged(KEYS, {"webhook": {"failurepolicy": "Ignore"}}), "additional properties 'failurepolicy' not allowed"),
    "kind": (merged(KEYS, {"injector": {"replicas": "two"}}), "'/injector/replicas': got string, want integer"),
    "choice": (merged(KEYS, {"webhook": {"failurePolicy": "Maybe"}}), "'/webhook/failurePolicy': value must be one of 'Fail', 'Ignore'"),
    "listen": (merged(KEYS, CONFIG, {"config": {"listen": "0.0.0.0:80"}}), "config.listen belongs to the chart"),
    "admin": (merged(KEYS, CONFIG, {"config": {"admin": {"listen": "0.0.0.0:80"}}}), "config.admin.listen belongs to the chart"),
    "state": (merged(KEYS, CONFIG, {"config": {"state": "/data"}}), "config.state names a folder"),
    "no-keys-no-config": ({"keys": {"secretName": "-"}}, "`config` has to say which providers"),
    "namespaces": (merged(KEYS, {"namespaces": ["shop"]}), "`config` is empty"),
    "policy": (merged(KEYS, {"injector": {"mode": "policy"}}), "from Kubernetes 1.36 on; this is v1.29.0"),
    "ordinary-by-policy": (merged(KEYS, {"injector": {"mode": "policy"}, "sidecar": {"native": False}}), "makes native sidecars only"),
    "guard": (merged(KEYS, {"guard": {"enabled": True}}), "from Kubernetes 1.30 on; this is v1.29.0"),
    "certificate": (merged(KEYS, {"webhook": {"certificate": {"mode": "secret"}}}), "needs webhook.certificate.secretName"),
    "port": (merged(KEYS, {"gateway": {"service": {"port": 6181}}}), "gateway.service.port is 6181"),
    "empty": (merged(KEYS, {"injector": {"enabled": False}}), "injector.enabled and gateway.enabled are both false"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused_in_words(name: str):
    values, words = REFUSED[name]
    assert words in refusal(values, "1.36" if name == "ordinary-by-policy" else "1.29")


def test_an_old_cluster_is_refused_and_one_before_native_sidecars_gets_ordinary_ones():
    assert "chart requires kubeVersion: >=1.25.0-0" in refusal(KEYS, "1.24")
    native = {version: render(KEYS, version).settings()["sidecar"]["native"] for version in ("1.28", "1.29")}
    assert native == {"1.28": False, "1.29": True}
    assert render(merged(KEYS, {"sidecar": {"native": "false"}}), "1.36").settings()["sidecar"]["native"] is False


def test_helm_test_makes_a_namespace_and_in_it_a_pod_to_be_injected():
    with Cluster("1.36", NAMESPACES, pods="Succeeded") as cluster:
        install(cluster, merged(KEYS, {"gateway": {"enabled": True}}))
        before = len(cluster.requests)
        engine.test(cluster)
        made = [path.removeprefix("/api/v1/") for verb, path in cluster.requests[before:] if verb == "POST"]
        assert made[0] == "namespaces" and made[3:] == ["namespaces/sidestep-sidestep-test/pods", "namespaces/sidestep/pods"]
        assert {path.rsplit("/", 1)[1] for path in made[1:3]} == {"configmaps", "serviceaccounts"}


def test_helm_test_fails_when_its_pod_does():
    with Cluster("1.36", NAMESPACES, pods="Failed") as cluster:
        install(cluster, KEYS)
        with pytest.raises(helm_sdkpy.HelmError, match="sidestep-test failed"):
            engine.test(cluster)


def test_helm_test_leaves_a_given_namespace_and_ordinary_containers_alone():
    other = render(merged(KEYS, {"test": {"namespace": "shop"}})).hooks
    assert "Namespace" not in {hook["kind"] for hook in other}, "one that is there is not made, nor deleted after"
    assert not render(merged(KEYS, {"sidecar": {"native": False}})).hooks, "such a pod would not end"


@pytest.mark.parametrize("name", SETS)
def test_notes_name_the_next_three_commands(name: str):
    _, values = SETS[name]
    notes = render(values, "1.36").notes
    if values.get("injector", {}).get("enabled", True):
        assert all(f"\n  {number}. " in notes for number in (1, 2, 3))
        assert "kubectl label namespace" in notes and "rollout restart" in notes
        assert "create secret generic llm-keys" in notes or values["keys"]["secretName"] == "-"
    assert "helm test sidestep" in notes and "<no value>" not in notes and "%!" not in notes


def name_of(value: dict) -> tuple[str, str | None, str]:
    return value["kind"], value["metadata"].get("namespace"), value["metadata"]["name"]


def test_the_injector_may_do_this_and_no_more():
    def rules(values: dict) -> set[tuple]:
        rendered = render(merged(KEYS, values))
        return {(value["kind"], resource, verb, *rule.get("resourceNames", [])) for value in rendered.all("Role") + rendered.all("ClusterRole")
                for rule in value["rules"] for resource in rule["resources"] for verb in rule["verbs"]}

    own = {("Role", resource, verb, name) for verb in ("get", "patch", "create")
           for resource, name in (("secrets", "sidestep-injector-tls"), ("leases", "sidestep-injector"))}
    bundle = {("ClusterRole", "mutatingwebhookconfigurations", verb, "sidestep-inject") for verb in ("get", "patch")}
    events = {("ClusterRole", "events", "create")}
    configs = {("ClusterRole", "configmaps", "get", "sidestep", "batch")}
    assert rules({}) == own | bundle | events
    assert rules({"webhook": {"certificate": {"mode": "certManager"}}}) == events
    assert rules(merged(CONFIG, {"configMap": {"otherNames": ["batch"]}, "injector": {"events": False}})) == own | bundle | configs


def test_network_policies_open_what_is_called_and_no_more():
    values = merged(KEYS, {"networkPolicy": {"enabled": True}, "gateway": {"enabled": True}})
    opened = {value["metadata"]["name"]: {rule["ports"][0]["port"]: rule.get("from") for rule in value["spec"]["ingress"]}
              for value in render(values).all("NetworkPolicy")}
    everyone = [{"namespaceSelector": {}}]
    own = [{"namespaceSelector": {"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["sidestep"]}]}}]
    assert opened == {
        "sidestep-injector": {"https": None, "injector-admin": everyone},
        "sidestep-gateway": {"llm": own, "sidestep-admin": everyone},
    }
    narrow = merged(values, {"networkPolicy": {"apiServerCIDRs": ["10.0.0.1/32"]}})
    rule = render(narrow).one("NetworkPolicy", "-injector")["spec"]["ingress"][0]
    assert rule["from"] == [{"ipBlock": {"cidr": "10.0.0.1/32"}}]
