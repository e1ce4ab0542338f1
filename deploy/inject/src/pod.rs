//! A pod as the API server sends it, read for what matters here.

use serde_json::{Map, Value};

use crate::names;

type Object = Map<String, Value>;

/// A pod. Lists that are absent or `null` are empty, and it is known which were absent.
#[derive(Debug)]
pub(crate) struct Pod<'a> {
    pub(crate) metadata: &'a Object,
    pub(crate) spec: &'a Object,
    pub(crate) containers: Vec<Container<'a>>,
    /// `None` where the pod has no such list.
    pub(crate) init_containers: Option<Vec<Container<'a>>>,
    /// Names; `None` where the pod has no such list.
    pub(crate) volumes: Option<Vec<&'a str>>,
}

/// One container of a pod.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    /// JSON pointer to it.
    pub(crate) pointer: String,
    /// Among the init containers.
    is_before: bool,
    pub(crate) name: &'a str,
    pub(crate) object: &'a Object,
    /// Names; `None` where the container has no such list.
    pub(crate) env: Option<Vec<Variable<'a>>>,
}

/// One environment variable of a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable<'a> {
    pub(crate) name: &'a str,
    /// `None` if it is empty, for then the key is not sent, or comes from elsewhere.
    pub(crate) value: Option<&'a str>,
}

/// What is not as a pod has it, in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

// === impl Pod ===

impl<'a> Pod<'a> {
    pub(crate) fn read(pod: &'a Value) -> Result<Self, Malformed> {
        let object = pod.as_object().ok_or_else(|| Malformed("the request holds no object".to_owned()))?;
        let metadata = part(object, "metadata")?;
        let spec = part(object, "spec")?;
        for map in ["labels", "annotations"] {
            texts(metadata, map)?;
        }
        let containers = containers(spec, "containers")?.unwrap_or_default();
        if containers.is_empty() {
            return Err(Malformed("spec.containers is empty".to_owned()));
        }
        let init_containers = self::containers(spec, "initContainers")?;
        let volumes = list(spec, "volumes")?;
        let volumes = volumes.map(|all| all.iter().map(|volume| text(volume, "name")).collect());
        Ok(Self { metadata, spec, containers, init_containers, volumes })
    }

    /// All containers, those before the application's first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Container<'a>> {
        self.init_containers.iter().flatten().chain(&self.containers)
    }

    pub(crate) fn label(&self, name: &str) -> Option<&'a str> {
        self.metadata.get("labels")?.get(name)?.as_str()
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<&'a str> {
        self.annotations()?.get(name)?.as_str()
    }

    /// `None` if there are none at all, and nothing can be added to them.
    pub(crate) fn annotations(&self) -> Option<&'a Object> {
        self.metadata.get("annotations")?.as_object()
    }

    pub(crate) fn is_true(&self, field: &str) -> bool {
        self.spec.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    /// What the kubelet made for a pod of its own; nothing that is written into it runs.
    pub(crate) fn is_mirror(&self) -> bool {
        self.annotation("kubernetes.io/config.mirror").is_some()
    }

    /// Gets no service-account token in any container.
    pub(crate) fn refuses_token(&self) -> bool {
        self.spec.get("automountServiceAccountToken").and_then(Value::as_bool) == Some(false)
    }

    /// Runs to completion.
    pub(crate) fn is_job(&self) -> bool {
        self.spec.get("restartPolicy").and_then(Value::as_str).is_some_and(|policy| policy != "Always")
    }

    /// In seconds.
    pub(crate) fn grace(&self) -> u64 {
        self.spec.get("terminationGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(30)
    }

    /// Whether an earlier call put the sidecar in.
    pub(crate) fn is_marked_injected(&self) -> bool {
        self.annotation(names::STATUS_ANNOTATION) == Some(names::INJECTED)
    }
}

fn containers<'a>(spec: &'a Object, field: &str) -> Result<Option<Vec<Container<'a>>>, Malformed> {
    let Some(all) = list(spec, field)? else { return Ok(None) };
    let read = |(index, container)| Container::read(container, format!("/spec/{field}/{index}"));
    all.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>().map(Some)
}

fn part<'a>(object: &'a Object, field: &str) -> Result<&'a Object, Malformed> {
    object.get(field).and_then(Value::as_object).ok_or_else(|| Malformed(format!("it has no `{field}`")))
}

fn list<'a>(object: &'a Object, field: &str) -> Result<Option<&'a Vec<Value>>, Malformed> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(all)) => Ok(Some(all)),
        Some(_) => Err(Malformed(format!("`{field}` is no list"))),
    }
}

/// Holds that a map of texts is one, if it is there.
fn texts(object: &Object, field: &str) -> Result<(), Malformed> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(map)) if map.values().all(Value::is_string) => Ok(()),
        Some(_) => Err(Malformed(format!("`{field}` is no map of texts"))),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

// === impl Container ===

impl<'a> Container<'a> {
    fn read(container: &'a Value, pointer: String) -> Result<Self, Malformed> {
        let object = container.as_object().ok_or_else(|| Malformed(format!("{pointer} is no object")))?;
        let read = |one: &'a Value| Variable {
            name: text(one, "name"),
            value: one.get("value").and_then(Value::as_str),
        };
        let env = list(object, "env").map_err(|Malformed(why)| Malformed(format!("{pointer}: {why}")))?;
        let env = env.map(|all| all.iter().map(read).collect());
        let is_before = pointer.starts_with("/spec/initContainers/");
        Ok(Self { pointer, is_before, name: text(container, "name"), object, env })
    }

    /// An init container that goes on running beside the application. Ordinary ones may have a restart policy, too.
    pub(crate) fn is_native_sidecar(&self) -> bool {
        self.is_before && self.object.get("restartPolicy").and_then(Value::as_str) == Some("Always")
    }

    /// Takes variables from elsewhere, by names that cannot be seen.
    pub(crate) fn has_env_from(&self) -> bool {
        self.object.get("envFrom").and_then(Value::as_array).is_some_and(|all| !all.is_empty())
    }

    pub(crate) fn variable(&self, name: &str) -> Option<Variable<'a>> {
        self.env.iter().flatten().find(|variable| variable.name == name).copied()
    }

    /// Declares that it listens on TCP `port`.
    pub(crate) fn listens_on(&self, port: u16) -> bool {
        let ports = self.object.get("ports").and_then(Value::as_array);
        ports.into_iter().flatten().any(|one| {
            let tcp = one.get("protocol").and_then(Value::as_str).is_none_or(|protocol| protocol == "TCP");
            tcp && one.get("containerPort").and_then(Value::as_u64) == Some(u64::from(port))
        })
    }
}
