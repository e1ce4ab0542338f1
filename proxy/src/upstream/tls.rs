//! One TLS configuration per trust store.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::time::Instant;

/// For how long roots that were read are those of the system: about as long as it takes to build a configuration.
const FRESH: Duration = Duration::from_secs(2);

/// What was read last, and when.
static READ: Mutex<Option<(Instant, Arc<RootCertStore>)>> = Mutex::new(None);

/// Why no TLS configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of extra certificate authorities cannot be read or holds no PEM certificate.
    #[error("ca_file {path}: {reason}; give a PEM file with at least one CERTIFICATE block")]
    CaFile {
        /// As configured.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// A certificate was read but rustls does not accept it as a trust anchor.
    #[error("ca_file {path}: certificate {index} is no usable trust anchor: {reason}")]
    Anchor {
        /// As configured.
        path: PathBuf,
        /// Position in the file, from 1.
        index: usize,
        /// What rustls said.
        reason: String,
    },
    /// The protocol versions cannot be configured.
    #[error("TLS: {0}")]
    Versions(#[from] rustls::Error),
}

/// A client configuration that trusts the system's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured),
/// the Mozilla roots when the system has none, and `ca_file` in addition.
///
/// # Errors
/// When `ca_file` is unreadable or holds no certificate.
pub fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = system_roots();
    if let Some(path) = ca_file {
        add_file(Arc::make_mut(&mut roots), path)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// The system's roots. They take milliseconds to read and most of a MiB to keep, so all providers of a configuration
/// share them; a later configuration has them read again.
fn system_roots() -> Arc<RootCertStore> {
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, roots)) = &*read
        && at.elapsed() < FRESH
    {
        return roots.clone();
    }
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        tracing::info!("the system has no root certificates; using the built-in Mozilla set");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let roots = Arc::new(roots);
    *read = Some((Instant::now(), roots.clone()));
    roots
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    let unreadable = |reason: String| TlsError::CaFile { path: path.to_owned(), reason };
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(error.to_string()))?;
    if certificates.is_empty() {
        return Err(unreadable("no certificate in it".to_owned()));
    }
    for (index, certificate) in certificates.into_iter().enumerate() {
        roots.add(certificate).map_err(|error| TlsError::Anchor {
            path: path.to_owned(),
            index: index + 1,
            reason: error.to_string(),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_certificates_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = client_config(Some(file.path())).unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
        assert!(error.contains("no certificate"), "{error}");
    }

    #[test]
    fn providers_share_the_roots_of_the_system() {
        let (first, second) = (system_roots(), system_roots());
        assert!(Arc::ptr_eq(&first, &second) && !first.is_empty());
    }

    #[test]
    fn a_private_ca_is_trusted_beside_the_system_roots() {
        let authority = rcgen::generate_simple_self_signed(vec!["upstream.test".to_owned()]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority.cert.pem()).unwrap();
        assert!(client_config(Some(file.path())).is_ok());
    }
}
