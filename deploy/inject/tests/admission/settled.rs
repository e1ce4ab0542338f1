//! What holds of every answer, whatever the pod.

use serde_json::Value;
use sidestep_inject::{Outcome, Settings};

use crate::applied::{Applied, ask, containers, variable};

/// Asks, holds what must hold, asks again, and holds that there is nothing left to do.
pub(crate) fn settle(review: &Value, settings: &Settings) -> Applied {
    let first = ask(review, settings);
    first.assert_nothing_foreign_changed();
    for warning in &first.warnings {
        assert!(warning.starts_with("sidestep: ") && warning.len() <= 256, "{warning}");
    }
    if first.outcome == Outcome::Inject {
        assert_is_a_sidecar(&first, settings);
    }
    assert_callers_know_where_to_call(&first, settings);
    let second = ask(&first.next(review), settings);
    assert_eq!(second.patch, None, "the second call has nothing to do");
    first
}

fn assert_is_a_sidecar(applied: &Applied, settings: &Settings) {
    let spec = &applied.after["spec"];
    let sidecar = if settings.sidecar.native {
        assert_eq!(spec["initContainers"][0]["restartPolicy"], "Always");
        &spec["initContainers"][0]
    } else {
        spec["containers"].as_array().unwrap().last().unwrap()
    };
    assert_eq!(sidecar["name"], "sidestep");
    assert_eq!(applied.after["metadata"]["annotations"]["sidestep.dev/status"], "injected");
    let mounts = sidecar["volumeMounts"].as_array().unwrap();
    let token = "/var/run/secrets/kubernetes.io/serviceaccount";
    let shadowed = mounts.iter().any(|mount| mount["mountPath"] == token);
    assert_eq!(shadowed, spec["automountServiceAccountToken"] != false, "the token would be mounted");
    let volumes = spec["volumes"].as_array().unwrap();
    for mount in mounts {
        assert_eq!(mount["readOnly"], true);
        let named = volumes.iter().filter(|volume| volume["name"] == mount["name"]);
        assert_eq!(named.count(), 1, "{mount}");
    }
    let context = &sidecar["securityContext"];
    assert_eq!(context["runAsNonRoot"], true);
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context["capabilities"]["drop"][0], "ALL");
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        assert_eq!(sidecar[probe]["httpGet"]["port"], 6181);
        assert!(sidecar[probe]["httpGet"].get("host").is_none(), "Pod Security forbids it");
    }
    assert_eq!(sidecar["startupProbe"]["periodSeconds"], 1);
}

/// Where the sidecar is, each container that can call it has, for each vendor, a variable: ours or its own.
fn assert_callers_know_where_to_call(applied: &Applied, settings: &Settings) {
    if applied.outcome != Outcome::Inject || !settings.sidecar.native {
        return;
    }
    let before = applied.after["spec"]["initContainers"].as_array().map_or(0, Vec::len);
    for (place, container) in containers(&applied.after).enumerate() {
        let sidecar = place < before && container["restartPolicy"] == "Always";
        if sidecar {
            continue;
        }
        let told = |names: &[&str]| names.iter().any(|name| variable(container, name).is_some());
        assert!(told(&["OPENAI_BASE_URL", "OPENAI_API_BASE"]), "{container}");
        assert!(told(&["ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL", "ANTHROPIC_API_BASE"]), "{container}");
        assert!(told(&["XAI_API_BASE"]), "{container}");
    }
}
