//! Where the API server is, and who we are to it: what Kubernetes puts into every pod.

use std::path::{Path, PathBuf};

use super::ClusterError;

/// Where Kubernetes mounts a pod's service account.
pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// How to reach the API server. Files are read again for every call, because Kubernetes renews them in place.
#[derive(Clone, Debug)]
pub struct Access {
    /// `https://` and the authority, without a path.
    pub origin: String,
    /// Holds the bearer token.
    pub token: PathBuf,
    /// Holds the authorities that vouch for the API server, as PEM.
    pub authorities: PathBuf,
}

impl Access {
    /// What a pod finds in its environment and in `folder` ([`SERVICE_ACCOUNT`]).
    ///
    /// # Errors
    /// When a variable or a file is missing: this is no pod, or one without a service account's token.
    pub fn in_cluster(
        variable: impl Fn(&str) -> Option<String>,
        folder: &Path,
    ) -> Result<Access, ClusterError> {
        let wanted = |name: &'static str| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| ClusterError::Outside(format!("{name} is not set")))
        };
        let (host, port) = (wanted("KUBERNETES_SERVICE_HOST")?, wanted("KUBERNETES_SERVICE_PORT")?);
        let (token, authorities) = (folder.join("token"), folder.join("ca.crt"));
        for file in [&token, &authorities] {
            if !file.is_file() {
                return Err(ClusterError::Outside(format!("{} is not there", file.display())));
            }
        }
        // An IPv6 address stands in brackets in a URL.
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        Ok(Access { origin: format!("https://{host}:{port}"), token, authorities })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let told = |host: &'static str| {
            let variable = move |name: &str| match name {
                "KUBERNETES_SERVICE_HOST" => Some(host.to_owned()),
                _ => Some("443".to_owned()),
            };
            Access::in_cluster(variable, folder.path()).map(|access| access.origin)
        };
        let nothing = Access::in_cluster(|_| None, folder.path()).unwrap_err().to_string();
        assert!(nothing.contains("KUBERNETES_SERVICE_HOST is not set"), "{nothing}");
        let error = told("fd00::1").unwrap_err().to_string();
        assert!(error.contains("token is not there"), "{error}");
        for file in ["token", "ca.crt"] {
            std::fs::write(folder.path().join(file), "x").unwrap();
        }
        assert_eq!(told("fd00::1").unwrap(), "https://[fd00::1]:443");
        assert_eq!(told("10.0.0.1").unwrap(), "https://10.0.0.1:443");
    }
}
