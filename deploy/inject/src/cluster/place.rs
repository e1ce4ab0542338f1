//! Where objects are, as paths of the API. A path is only ever made of checked names: some come from
//! whoever may create a pod.

/// The longest name of an object (RFC 1123 subdomain).
const LONGEST: usize = 253;

/// The path of one object, or of a collection to create in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place(String);

impl Place {
    /// A Secret; `None` when a name is none.
    #[must_use]
    pub fn secret(namespace: &str, name: &str) -> Option<Place> {
        named("/api/v1/namespaces/", &[namespace, "secrets", name])
    }

    /// A `ConfigMap`; `None` when a name is none.
    #[must_use]
    pub fn config_map(namespace: &str, name: &str) -> Option<Place> {
        named("/api/v1/namespaces/", &[namespace, "configmaps", name])
    }

    /// A Lease; `None` when a name is none.
    #[must_use]
    pub fn lease(namespace: &str, name: &str) -> Option<Place> {
        named("/apis/coordination.k8s.io/v1/namespaces/", &[namespace, "leases", name])
    }

    /// A `MutatingWebhookConfiguration`; `None` when the name is none.
    #[must_use]
    pub fn webhook(name: &str) -> Option<Place> {
        named("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/", &[name])
    }

    /// The Events of a namespace; `None` when the name is none.
    #[must_use]
    pub fn events(namespace: &str) -> Option<Place> {
        named("/api/v1/namespaces/", &[namespace, "events"])
    }

    /// What the path ends in: the object's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The path, from its first slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0
    }
}

fn named(root: &str, parts: &[&str]) -> Option<Place> {
    parts.iter().all(|part| is_name(part)).then(|| Place(format!("{root}{}", parts.join("/"))))
}

/// True for what Kubernetes takes as a name: lower-case letters, digits, `-` and `.`, ends alphanumeric.
fn is_name(name: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [name.bytes().next(), name.bytes().last()];
    name.len() <= LONGEST
        && ends.into_iter().all(|end| end.is_some_and(alphanumeric))
        && name.bytes().all(|byte| alphanumeric(byte) || byte == b'-' || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_get_into_a_path() {
        let found = Place::config_map("shop", "sidestep.v2").unwrap();
        assert_eq!(found.path(), "/api/v1/namespaces/shop/configmaps/sidestep.v2");
        for name in ["", ".", "..", "../secrets/x", "a/b", "a?x=1", "a%2f", "A", "-a", "a-", &"a".repeat(254)]
        {
            assert_eq!(Place::config_map("shop", name), None, "{name}");
            assert_eq!(Place::config_map(name, "sidestep"), None, "{name}");
        }
    }
}
