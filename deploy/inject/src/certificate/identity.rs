//! A certificate with its key, checked before anything relies on it.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

/// Far behind everything: 9999-12-31, the last day that a certificate can name (RFC 5280 §4.1.2.5).
const LAST_DAY: u64 = 253_402_300_799;

/// What the webhook is to those who call it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate, and those between it and its authority, as PEM.
    pub certificate: String,
    /// Its private key, as PEM.
    pub key: Secret,
    /// Who vouches for it; not known where somebody else issues.
    pub authority: Option<Authority>,
    /// From when it is valid, in seconds since 1970.
    pub not_before: u64,
    /// Until when it is valid, in seconds since 1970.
    pub not_after: u64,
    /// Ready to be served.
    pub certified: Arc<CertifiedKey>,
}

/// A certificate that others trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// As PEM, the way it stands in a caBundle.
    pub pem: String,
    /// Until when it is valid, in seconds since 1970.
    pub not_after: u64,
}

/// A text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a certificate is not served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It is no PEM with what is wanted.
    #[error("{0} is missing or no PEM")]
    Pem(&'static str),
    /// The key is of another certificate, or of no known kind.
    #[error("the key does not fit the certificate: {0}")]
    Key(String),
    /// It is not signed by its authority, not for servers, expired, or not readable at all.
    #[error("the certificate is not good: {0}")]
    Certificate(String),
    /// It is for other names.
    #[error("the certificate is not for {0}")]
    Name(String),
}

impl Identity {
    /// Reads what was issued by `authority`, to be called by `hosts`.
    ///
    /// # Errors
    /// When those who trust `authority` would not believe it at `now`.
    pub fn read(
        (certificate, key): (&str, &str),
        authority: &str,
        hosts: &[String],
        now: UnixTime,
    ) -> Result<Identity, IdentityError> {
        let mut identity = Identity::unvouched((certificate, key))?;
        let authority = Authority::read(authority)?;
        identity.check(&authority, hosts, now)?;
        identity.authority = Some(authority);
        Ok(identity)
    }

    /// Reads what someone else issued: that its callers believe it is for them to see to.
    ///
    /// # Errors
    /// When it cannot be served at all.
    pub fn unvouched((certificate, key): (&str, &str)) -> Result<Identity, IdentityError> {
        let chain = certificates(certificate, "the certificate")?;
        let parsed = PrivateKeyDer::from_pem_slice(key.as_bytes());
        let private = parsed.map_err(|_| IdentityError::Pem("the private key"))?;
        let first = chain.first().cloned().ok_or(IdentityError::Pem("the certificate"))?;
        let certified = CertifiedKey::from_der(chain, private, &provider())
            .map_err(|error| IdentityError::Key(error.to_string()))?;
        let (not_before, not_after) = validity(&first)?;
        Ok(Identity {
            certificate: certificate.to_owned(),
            key: Secret(key.to_owned()),
            authority: None,
            not_before,
            not_after,
            certified: Arc::new(certified),
        })
    }

    /// Whether it may be called by each of `hosts`.
    ///
    /// # Errors
    /// The first name that it is not for.
    pub fn names(&self, hosts: &[String]) -> Result<(), IdentityError> {
        let leaf = self.leaf()?;
        for host in hosts {
            let wrong = || IdentityError::Name(host.clone());
            let name = ServerName::try_from(host.as_str()).map_err(|_| wrong())?;
            verify_server_name(&leaf, &name).map_err(|_| wrong())?;
        }
        Ok(())
    }

    /// How long it is still valid.
    #[must_use]
    pub fn left(&self, now: UnixTime) -> Duration {
        Duration::from_secs(self.not_after.saturating_sub(now.as_secs()))
    }

    fn check(&self, authority: &Authority, hosts: &[String], now: UnixTime) -> Result<(), IdentityError> {
        let bad = |error: rustls::Error| IdentityError::Certificate(error.to_string());
        let between = self.certified.cert.get(1..).unwrap_or_default();
        let algorithms = provider().signature_verification_algorithms.all;
        let roots = authority.roots()?;
        verify_server_cert_signed_by_trust_anchor(&self.leaf()?, &roots, between, now, algorithms)
            .map_err(bad)?;
        self.names(hosts)
    }

    fn leaf(&self) -> Result<ParsedCertificate<'_>, IdentityError> {
        let leaf = self.certified.cert.first().ok_or(IdentityError::Pem("the certificate"))?;
        ParsedCertificate::try_from(leaf).map_err(|error| IdentityError::Certificate(error.to_string()))
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.certificate == other.certificate && self.authority == other.authority
    }
}

impl Authority {
    /// Reads one certificate.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn read(pem: &str) -> Result<Authority, IdentityError> {
        let [one] = &certificates(pem, "the authority's certificate")?[..] else {
            return Err(IdentityError::Pem("the authority's certificate"));
        };
        let (_, not_after) = validity(one)?;
        Ok(Authority { pem: pem.to_owned(), not_after })
    }

    /// A store that trusts this one alone.
    fn roots(&self) -> Result<RootCertStore, IdentityError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.pem, "the authority's certificate")? {
            roots.add(certificate).map_err(|error| IdentityError::Certificate(error.to_string()))?;
        }
        Ok(roots)
    }
}

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The one provider of cryptography.
pub(crate) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn certificates(pem: &str, what: &'static str) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let read = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    read.ok().filter(|read| !read.is_empty()).ok_or(IdentityError::Pem(what))
}

/// From when and until when a certificate is valid. The verifier that is here anyway tells: asked about the
/// first and the last of all days, it says what is wrong with them, before it looks at anything else.
fn validity(certificate: &CertificateDer<'_>) -> Result<(u64, u64), IdentityError> {
    let unreadable = |error: rustls::Error| IdentityError::Certificate(error.to_string());
    let parsed = ParsedCertificate::try_from(certificate).map_err(unreadable)?;
    let at = |day: u64| {
        let day = UnixTime::since_unix_epoch(Duration::from_secs(day));
        let roots = RootCertStore::empty();
        let algorithms = provider().signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], day, algorithms)
    };
    let begins = match at(0) {
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before, ..
        })) => not_before.as_secs(),
        _ => 0,
    };
    match at(LAST_DAY) {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Ok((begins, not_after.as_secs()))
        }
        // Valid until the last of all days (RFC 5280 calls that "no well-defined expiration date").
        Ok(()) | Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            Ok((begins, LAST_DAY))
        }
        Err(error) => Err(unreadable(error)),
    }
}
