//! An answer applied to the pod that it is for, as the API server would.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sidestep_inject::{OptIn, Outcome, Presence, Reply, Review, Settings};

/// What became of a pod.
pub(crate) struct Applied {
    pub(crate) outcome: Outcome,
    pub(crate) before: Value,
    pub(crate) after: Value,
    /// `None` if the answer has none.
    pub(crate) patch: Option<Value>,
    pub(crate) warnings: Vec<String>,
    pub(crate) reply: Reply,
}

/// Asks about the pod in `review` and applies the answer.
pub(crate) fn ask(review: &Value, settings: &Settings) -> Applied {
    ask_as(review, settings, OptIn::Pod, Presence::Present)
}

pub(crate) fn ask_as(review: &Value, settings: &Settings, opt_in: OptIn, config: Presence) -> Applied {
    let parsed = Review::parse(review.to_string().as_bytes()).unwrap();
    let reply = parsed.answer(opt_in, settings, config);
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(answer["kind"], "AdmissionReview");
    let response = &answer["response"];
    assert_eq!(response["uid"], review["request"]["uid"]);
    assert_eq!(response["allowed"], true, "no pod is ever denied");
    let patch = response.get("patch").map(|text| {
        assert_eq!(response["patchType"], "JSONPatch");
        serde_json::from_slice(&STANDARD.decode(text.as_str().unwrap()).unwrap()).unwrap()
    });
    let before = review["request"]["object"].clone();
    let after = patch.as_ref().map_or_else(|| before.clone(), |patch| patched(&before, patch));
    let warnings = response.get("warnings").map(|all| serde_json::from_value(all.clone()).unwrap());
    Applied {
        outcome: reply.outcome.clone(),
        before,
        after,
        patch,
        warnings: warnings.unwrap_or_default(),
        reply,
    }
}

fn patched(pod: &Value, patch: &Value) -> Value {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap();
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &patch).unwrap();
    pod
}

// === impl Applied ===

impl Applied {
    /// The next call for this pod, after the API server's own plugins have seen it.
    pub(crate) fn next(&self, review: &Value) -> Value {
        let mut review = review.clone();
        review["request"]["object"] = self.after.clone();
        review["request"]["uid"] = json!("the next one");
        review
    }

    /// The sidecar, wherever it is.
    pub(crate) fn sidecar(&self) -> Option<&Value> {
        containers(&self.after).find(|container| container["name"] == "sidestep")
    }

    pub(crate) fn container(&self, name: &str) -> &Value {
        containers(&self.after).find(|container| container["name"] == name).unwrap()
    }

    /// Takes everything off that is ours and holds that what is left is what came.
    pub(crate) fn assert_nothing_foreign_changed(&self) {
        let mut left = self.after.clone();
        let spec = &self.before["spec"];
        for list in ["initContainers", "containers"] {
            // At the head of the one, at the end of the other.
            if length(&left["spec"][list]) > length(&spec[list]) {
                let all = left["spec"][list].as_array_mut().unwrap();
                let ours = if list == "containers" { all.len() - 1 } else { 0 };
                assert_eq!(all.remove(ours)["name"], "sidestep");
            }
            for place in 0..length(&spec[list]) {
                cut(&mut left["spec"][list][place], &spec[list][place], "env");
            }
            cut(&mut left["spec"], spec, list);
        }
        cut(&mut left["spec"], spec, "volumes");
        let (left, before) = (without_status(left), without_status(self.before.clone()));
        assert_eq!(left, before);
    }
}

/// Shortens a list to what it was, and takes it off if there was none.
fn cut(left: &mut Value, before: &Value, list: &str) {
    match before.get(list) {
        None | Some(Value::Null) => {
            let object = left.as_object_mut().unwrap();
            match before.get(list) {
                None => object.remove(list),
                Some(null) => object.insert(list.to_owned(), null.clone()),
            };
        }
        Some(all) => {
            if let Some(longer) = left.get_mut(list).and_then(Value::as_array_mut) {
                longer.truncate(length(all));
            }
        }
    }
}

/// No annotations, `null` and an empty map are the same.
fn without_status(mut pod: Value) -> Value {
    if let Some(annotations) = pod["metadata"].get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove("sidestep.dev/status");
    }
    if pod["metadata"].get("annotations").is_none_or(|all| all.is_null() || *all == json!({})) {
        pod["metadata"].as_object_mut().unwrap().remove("annotations");
    }
    pod
}

pub(crate) fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"].into_iter().flat_map(|list| pod["spec"][list].as_array()).flatten()
}

fn length(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

/// The value of a container's variable, `Null` for one without.
pub(crate) fn variable(container: &Value, name: &str) -> Option<Value> {
    let all = container["env"].as_array()?;
    all.iter().find(|one| one["name"] == name).map(|one| one["value"].clone())
}

/// The names of a container's variables, in order.
pub(crate) fn variables(container: &Value) -> Vec<&str> {
    container["env"].as_array().into_iter().flatten().map(|one| one["name"].as_str().unwrap()).collect()
}
