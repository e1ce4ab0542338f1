//! The stand-in's objects, and who may do what with them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Map, Value, json};

pub(crate) const SECRET: &str = "/api/v1/namespaces/sidestep/secrets/hook-tls";
pub(crate) const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/sidestep/leases/hook";
pub(crate) const WEBHOOK: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidestep-hook";
pub(crate) const CONFIG: &str = "/api/v1/namespaces/shop/configmaps/sidestep";
pub(crate) const EVENTS: &str = "/api/v1/namespaces/shop/events";

/// Everything that the injector may do: what its Role and ClusterRoles have to say, and no more. Creating by
/// server-side apply is authorised with the object's name, creating by POST is not.
const RIGHTS: [(&str, &[&str]); 5] = [
    (SECRET, &["get", "patch", "create"]),
    (LEASE, &["get", "patch", "create"]),
    (WEBHOOK, &["get", "patch"]),
    (CONFIG, &["get"]),
    (EVENTS, &["create"]),
];

/// One call.
pub(crate) enum Wish {
    Read(String),
    Create(String, Value),
    /// RFC 7396.
    Merge(String, Value),
    /// RFC 6902.
    Operations(String, Value),
    /// Server-side apply.
    Apply(String, Value),
}

pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) String);

/// Objects by path.
pub(crate) struct Store {
    objects: BTreeMap<String, Value>,
    version: u64,
    /// Calls that were refused for want of a right.
    pub(crate) forbidden: Vec<String>,
    pub(crate) events: Vec<Value>,
}

impl Default for Store {
    fn default() -> Self {
        let service = |name: &str, service: &str| {
            json!({ "name": name, "failurePolicy": "Fail", "clientConfig": { "service": {
                "name": service, "namespace": "sidestep", "path": "/mutate/pod", "port": 443,
            } } })
        };
        let webhooks = [
            service("namespace.sidestep.dev", "hook"),
            service("other.example.com", "other"),
            service("pod.sidestep.dev", "hook"),
        ];
        let mut store =
            Store { objects: BTreeMap::new(), version: 1, forbidden: Vec::new(), events: Vec::new() };
        // As the chart renders them: somebody may delete them later.
        store.put(SECRET, json!({ "metadata": { "name": "hook-tls" }, "type": "Opaque" }));
        store.put(LEASE, json!({ "metadata": { "name": "hook" } }));
        store.put(WEBHOOK, json!({ "metadata": { "name": "sidestep-hook" }, "webhooks": webhooks }));
        store
    }
}

impl Store {
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        self.objects.get(path)
    }

    /// Puts an object there, whatever was there: somebody with all rights did it.
    pub(crate) fn put(&mut self, path: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.objects.insert(path.to_owned(), object);
    }

    pub(crate) fn delete(&mut self, path: &str) {
        self.objects.remove(path);
    }

    /// Changes an object in place, as somebody with all rights.
    pub(crate) fn edit(&mut self, path: &str, edit: impl FnOnce(&mut Value)) {
        let mut object = self.objects[path].clone();
        edit(&mut object);
        self.put(path, object);
    }

    /// What callers of one entry of the webhook configuration believe.
    pub(crate) fn bundle(&self, entry: usize) -> Option<String> {
        let bundle = self.objects[WEBHOOK]["webhooks"][entry]["clientConfig"]["caBundle"].as_str()?;
        Some(String::from_utf8(STANDARD.decode(bundle).unwrap()).unwrap())
    }

    /// One value of the Secret.
    pub(crate) fn secret(&self, key: &str) -> Option<String> {
        let value = self.objects.get(SECRET)?["data"][key].as_str()?;
        Some(String::from_utf8(STANDARD.decode(value).unwrap()).unwrap())
    }

    pub(crate) fn holder(&self) -> Option<String> {
        Some(self.objects.get(LEASE)?["spec"]["holderIdentity"].as_str()?.to_owned())
    }

    /// Does what was asked for, if that is allowed and right.
    pub(crate) fn act(&mut self, wish: Wish) -> Result<(StatusCode, Value), Refusal> {
        match wish {
            Wish::Read(path) => {
                self.allowed("get", &path)?;
                self.objects.get(&path).cloned().map(|object| (StatusCode::OK, object)).ok_or_else(missing)
            }
            Wish::Create(path, object) => {
                self.allowed("create", &path)?;
                assert_eq!(path, EVENTS, "the injector creates events, and nothing else");
                self.event(object)
            }
            Wish::Merge(path, change) => {
                self.allowed("patch", &path)?;
                self.change(&path, |object| merge(object, &change))
            }
            Wish::Operations(path, operations) => {
                self.allowed("patch", &path)?;
                let operations: json_patch::Patch = serde_json::from_value(operations).unwrap();
                self.change(&path, |object| {
                    json_patch::patch(object, &operations).map_err(|error| invalid(&error.to_string()))
                })
            }
            Wish::Apply(path, applied) => self.apply(&path, &applied),
        }
    }

    fn apply(&mut self, path: &str, applied: &Value) -> Result<(StatusCode, Value), Refusal> {
        self.allowed("patch", path)?;
        let known = self.objects.contains_key(path);
        if !known {
            self.allowed("create", path)?;
            self.version += 1;
            let fresh = json!({ "metadata": { "uid": format!("uid-{}", self.version) } });
            self.put(path, fresh);
        }
        let (_, object) = self.change(path, |object| merge(object, applied))?;
        Ok((if known { StatusCode::OK } else { StatusCode::CREATED }, object))
    }

    fn allowed(&mut self, verb: &str, path: &str) -> Result<(), Refusal> {
        if RIGHTS.iter().any(|(place, verbs)| *place == path && verbs.contains(&verb)) {
            return Ok(());
        }
        self.forbidden.push(format!("{verb} {path}"));
        Err(Refusal(StatusCode::FORBIDDEN, format!("cannot {verb} {path}")))
    }

    fn change(
        &mut self,
        path: &str,
        change: impl FnOnce(&mut Value) -> Result<(), Refusal>,
    ) -> Result<(StatusCode, Value), Refusal> {
        let before = self.objects.get(path).ok_or_else(missing)?;
        let mut object = before.clone();
        change(&mut object)?;
        validate(path, &object)?;
        if object != *before {
            self.put(path, object);
        }
        Ok((StatusCode::OK, self.objects[path].clone()))
    }

    fn event(&mut self, event: Value) -> Result<(StatusCode, Value), Refusal> {
        let named = event["metadata"]["generateName"].as_str().is_some_and(|name| !name.is_empty());
        let here = event["involvedObject"]["namespace"] == "shop" && event["metadata"]["namespace"] == "shop";
        let kind = matches!(event["type"].as_str(), Some("Normal" | "Warning"));
        if !(named && here && kind) {
            return Err(invalid("no event"));
        }
        self.events.push(event.clone());
        Ok((StatusCode::CREATED, event))
    }
}

/// A change that names a version is for that version only.
fn merge(object: &mut Value, change: &Value) -> Result<(), Refusal> {
    let told = change["metadata"].get("resourceVersion");
    if told.is_some_and(|told| *told != object["metadata"]["resourceVersion"]) {
        return Err(Refusal(StatusCode::CONFLICT, "the object has been modified".to_owned()));
    }
    json_patch::merge(object, change);
    Ok(())
}

/// What the real one checks of the fields that the injector writes.
fn validate(path: &str, object: &Value) -> Result<(), Refusal> {
    let base64 = |value: &Value| value.as_str().is_some_and(|value| STANDARD.decode(value).is_ok());
    let good = match path {
        SECRET => {
            object.get("data").is_none_or(|data| data.as_object().unwrap_or(&Map::new()).values().all(base64))
        }
        LEASE => object.get("spec").is_none_or(|spec| {
            let time = spec["renewTime"].as_str().is_none_or(|time| {
                // RFC 3339 with microseconds.
                time.len() == "2026-11-20T15:04:05.000000Z".len() && time.ends_with('Z')
            });
            time && spec["leaseDurationSeconds"].as_u64().is_none_or(|seconds| seconds > 0)
        }),
        WEBHOOK => object["webhooks"]
            .as_array()
            .into_iter()
            .flatten()
            .all(|webhook| webhook["clientConfig"].get("caBundle").is_none_or(base64)),
        _ => true,
    };
    good.then_some(()).ok_or_else(|| invalid("a field is wrong"))
}

fn missing() -> Refusal {
    Refusal(StatusCode::NOT_FOUND, "not found".to_owned())
}

fn invalid(why: &str) -> Refusal {
    Refusal(StatusCode::UNPROCESSABLE_ENTITY, why.to_owned())
}
