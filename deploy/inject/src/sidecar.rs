//! The sidecar itself, and the volumes that it mounts.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::names;
use crate::overrides::{BadAnnotation, Overrides};
use crate::pod::Pod;
use crate::settings::SidecarSettings;

/// Where the kubelet puts the application's service-account token. A mount of our own keeps the API server from
/// putting it into the sidecar, which has no use for it.
const TOKEN_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What is put into one pod.
#[derive(Debug)]
pub(crate) struct Sidecar {
    pub(crate) container: Value,
    pub(crate) volumes: Vec<Value>,
    /// What a person should know of it.
    pub(crate) remarks: Vec<String>,
}

/// What one sidecar is made from.
struct Plan<'a> {
    settings: &'a SidecarSettings,
    pod: &'a Pod<'a>,
    asked: &'a Overrides,
}

/// Something that is mounted.
struct Mount {
    volume: Value,
    mount: Value,
}

// === impl Sidecar ===

impl Sidecar {
    pub(crate) fn of(
        settings: &SidecarSettings,
        pod: &Pod<'_>,
        asked: &Overrides,
    ) -> Result<Self, BadAnnotation> {
        let plan = Plan { settings, pod, asked };
        let share = settings.resources.share(&settings.guaranteed, pod, asked)?;
        let (volumes, mounts): (Vec<Value>, Vec<Value>) =
            plan.mounts().into_iter().map(|one| (one.volume, one.mount)).unzip();
        let mut container = json!({
            "name": names::CONTAINER,
            "image": asked.image.as_ref().unwrap_or(&settings.image),
            "args": plan.args(),
            "ports": [{
                "name": names::ADMIN_PORT_NAME, "containerPort": names::ADMIN_PORT, "protocol": "TCP",
            }],
            "resources": share,
            "volumeMounts": mounts,
            "startupProbe": probe("/readyz", 1, 60),
            "readinessProbe": probe("/readyz", 5, 2),
            "livenessProbe": probe("/livez", 10, 3),
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": plan.security_context(),
        });
        if settings.native {
            container["restartPolicy"] = json!("Always");
        }
        if let Some(policy) = &settings.pull_policy {
            container["imagePullPolicy"] = json!(policy);
        }
        if !asked.env.is_empty() {
            let variable = |(name, value): &(String, String)| json!({ "name": name, "value": value });
            container["env"] = asked.env.iter().map(variable).collect();
        }
        Ok(Self { container, volumes, remarks: share.remarks })
    }
}

/// No `host`, which Pod Security's baseline forbids: the kubelet asks at the pod's own address.
fn probe(path: &str, period_seconds: u32, failure_threshold: u32) -> Value {
    json!({
        "httpGet": { "path": path, "port": names::ADMIN_PORT },
        "periodSeconds": period_seconds,
        "timeoutSeconds": 1,
        "failureThreshold": failure_threshold,
    })
}

// === impl Plan ===

impl Plan<'_> {
    fn config(&self) -> Option<&str> {
        self.settings.config_of(self.asked)
    }

    fn keys_secret(&self) -> Option<&str> {
        self.asked.keys_secret.as_deref().or(self.settings.keys_secret.as_deref())
    }

    /// The addresses are the pod's matter, not the configuration's, which is the same in a pod and elsewhere.
    fn args(&self) -> Vec<String> {
        let admin = SocketAddr::new(self.settings.admin_host, names::ADMIN_PORT).to_string();
        let mut args = vec!["run".to_owned()];
        if self.config().is_some() {
            args.push(format!("{}/{}", names::CONFIG_FOLDER, names::CONFIG_KEY));
        }
        let mut flag = |name: &str, value: String| args.extend([name.to_owned(), value]);
        // A configuration may name keys as variables, which a pod does not set; without one it is made from the keys.
        flag("--keys", names::KEYS_FOLDER.to_owned());
        flag("--listen", format!("127.0.0.1:{}", names::LLM_PORT));
        flag("--admin-listen", admin);
        if let Some(level) = self.asked.log_level.as_ref().or(self.settings.log_level.as_ref()) {
            flag("--log-level", level.clone());
        }
        if !self.settings.native {
            // An ordinary container is told to end at the same time as the application, which may still call.
            flag("--drain-grace", format!("{}s", self.pod.grace() * 2 / 3));
        }
        args
    }

    fn mounts(&self) -> Vec<Mount> {
        let mut mounts = Vec::new();
        if let Some(name) = self.config() {
            // Not optional: the kubelet then says what is missing, and starts the pod as soon as it is there.
            let source = json!({ "configMap": { "name": name } });
            mounts.push(self.mount("sidestep-config", source, names::CONFIG_FOLDER));
        }
        if let Some(name) = self.keys_secret() {
            // With a configuration the sidecar runs without keys as well, says so, and takes them once they are there.
            let source = json!({ "secret": { "secretName": name, "optional": self.config().is_some() } });
            mounts.push(self.mount("sidestep-keys", source, names::KEYS_FOLDER));
        }
        if self.pod.refuses_token() {
            return mounts;
        }
        // Not an emptyDir: a node whose pods have one is not drained without force, nor scaled down.
        let nothing = json!({ "downwardAPI": { "items": [
            { "path": "namespace", "fieldRef": { "fieldPath": "metadata.namespace" } },
        ] } });
        mounts.push(self.mount("sidestep-no-token", nothing, TOKEN_FOLDER));
        mounts
    }

    /// Mounts `source`, under a name that the pod does not use.
    fn mount(&self, name: &str, mut source: Value, folder: &str) -> Mount {
        let taken = |name: &str| self.pod.volumes.iter().flatten().any(|volume| *volume == name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        let name = names.find(|name| !taken(name)).unwrap_or_default();
        source["name"] = json!(name);
        Mount { volume: source, mount: json!({ "name": name, "mountPath": folder, "readOnly": true }) }
    }

    fn security_context(&self) -> Value {
        let mut context = json!({
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "seccompProfile": { "type": "RuntimeDefault" },
        });
        if let Some(user) = self.settings.run_as_user {
            context["runAsUser"] = json!(user);
            context["runAsGroup"] = json!(user);
        }
        context
    }
}
