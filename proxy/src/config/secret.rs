//! Values that must never be seen: provider keys, the admin token, extra header values.

use std::{fmt, path::PathBuf, sync::Arc};

use http::HeaderValue;

/// What stands for a secret wherever one would be shown.
pub const REDACTED: &str = "[redacted]";

/// A secret text. `Debug` and `Display` show [`REDACTED`]; only [`Secret::expose`] gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

/// Where a secret was read from; shown in `sidestep check` and re-read when the configuration is polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file, whose content is trimmed of surrounding white space.
    File(PathBuf),
    /// The configuration itself, `${VAR}` included.
    Inline,
}

/// A secret that the configuration asks for. The place that it names may be empty: a sidecar with one of
/// three keys missing still serves through the other two, and says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    source: SecretSource,
    secret: Option<Secret>,
}

// === impl Secret ===

impl Secret {
    /// Wraps `text`.
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The secret itself, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secret as a header value marked sensitive, with `scheme` (such as `"Bearer "`) in front.
    ///
    /// `None` if a header cannot carry it; the configuration refuses such a secret, so that this does not
    /// happen to one that comes from a [`Config`](super::Config).
    pub fn header(&self, scheme: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{scheme}{}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

// === impl Credential ===

impl Credential {
    /// What was found at `source`.
    pub fn new(source: SecretSource, secret: Option<Secret>) -> Self {
        Self { source, secret }
    }

    /// The secret, or `None` if its variable is unset or its file is missing or empty.
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// Where the secret comes from.
    pub fn source(&self) -> &SecretSource {
        &self.source
    }
}

// === impl SecretSource ===

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Inline => f.write_str("inline"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_expose_and_header_gives_it_away() {
        let secret = Secret::new("sk-very-secret");
        let credential = Credential::new(SecretSource::Inline, Some(secret.clone()));
        let shown = format!("{secret} {secret:?} {credential:?} {:?}", secret.header("Bearer "));
        assert!(!shown.contains("very"), "{shown}");
        assert_eq!(secret.expose(), "sk-very-secret");
        assert_eq!(secret.header("Bearer ").unwrap().to_str().unwrap(), "Bearer sk-very-secret");
        assert_eq!(Secret::new("a\nb").header(""), None);
    }
}
