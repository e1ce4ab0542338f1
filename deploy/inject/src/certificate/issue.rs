//! Makes a certificate and the authority that vouches for it alone.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::UnixTime;
use time::OffsetDateTime;

use super::identity::{Identity, IdentityError};

/// How long a certificate is valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    /// From now on.
    pub(super) lasts: Duration,
    /// How far back it begins: callers' clocks may be behind.
    pub(super) skew: Duration,
}

/// Why no certificate was made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The generator failed.
    #[error("cannot make a certificate: {0}")]
    Generator(#[from] rcgen::Error),
    /// A time that no certificate can name.
    #[error("cannot make a certificate: {0}")]
    Time(#[from] time::error::ComponentRange),
    /// What was made is not good by our own judgement.
    #[error("the certificate that was made is of no use: {0}")]
    Useless(#[from] IdentityError),
}

/// A new certificate for `hosts`, with an authority that has signed this one and never can sign another.
///
/// # Errors
/// When the generator fails, or `hosts` are no names.
pub(super) fn issue(hosts: &[String], validity: Validity, now: UnixTime) -> Result<Identity, IssueError> {
    let (begins, ends) = validity.around(now)?;
    let key = KeyPair::generate()?;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (authority.not_before, authority.not_after) = (begins, ends);
    // A name of its own: several are trusted at once, and verifiers find the right one by its name first.
    let own = authority
        .key_identifier(&key)
        .iter()
        .take(8)
        .fold(String::new(), |own, byte| format!("{own}{byte:02x}"));
    authority.distinguished_name.push(DnType::CommonName, format!("sidestep-inject {own}"));
    let authority = CertifiedIssuer::self_signed(authority, key)?;

    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(hosts)?;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    (leaf.not_before, leaf.not_after) = (begins, ends);
    let name = hosts.first().map_or("sidestep-inject", String::as_str);
    // A common name has at most 64 characters (RFC 5280, ub-common-name); the name that counts is an alternative name.
    leaf.distinguished_name.push(DnType::CommonName, name.get(..64).unwrap_or(name));
    let certificate = leaf.signed_by(&key, &authority)?.pem();
    Ok(Identity::read((&certificate, &key.serialize_pem()), &authority.pem(), hosts, now)?)
}

impl Validity {
    fn around(&self, now: UnixTime) -> Result<(OffsetDateTime, OffsetDateTime), IssueError> {
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        let begins = now.as_secs().saturating_sub(self.skew.as_secs());
        let ends = now.as_secs().saturating_add(self.lasts.as_secs());
        let at = |unix: u64| OffsetDateTime::from_unix_timestamp(seconds(unix));
        Ok((at(begins)?, at(ends)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn hosts() -> Vec<String> {
        vec!["hook.sidestep.svc".to_owned(), "hook.sidestep.svc.cluster.local".to_owned()]
    }

    fn at(now: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(now))
    }

    fn issued(now: u64) -> Identity {
        issue(&hosts(), Validity { lasts: 60 * DAY, skew: Duration::from_secs(3600) }, at(now)).unwrap()
    }

    #[test]
    fn what_is_issued_is_believed_within_its_time_and_by_its_names_only() {
        let now = 1_800_000_000;
        let one = issued(now);
        assert_eq!((one.not_before, one.not_after), (now - 3600, now + 60 * 86_400));
        let pair = (one.certificate.as_str(), one.key.expose());
        let authority = &one.authority.as_ref().unwrap().pem;
        // A caller whose clock is an hour late believes it; one before that, or after its time, does not.
        for (moment, good) in
            [(now - 3600, true), (now - 3601, false), (one.not_after, true), (one.not_after + 1, false)]
        {
            assert_eq!(Identity::read(pair, authority, &hosts(), at(moment)).is_ok(), good, "{moment}");
        }
        let other = Identity::read(pair, authority, &["api.sidestep.svc".to_owned()], at(now)).unwrap_err();
        assert_eq!(other, IdentityError::Name("api.sidestep.svc".to_owned()));
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let now = 1_800_000_000;
        let (one, other) = (issued(now), issued(now));
        let authority = |identity: &Identity| identity.authority.clone().unwrap().pem;
        let read = |certificate: &str, key: &str, authority: &str| {
            Identity::read((certificate, key), authority, &hosts(), at(now)).unwrap_err()
        };
        let wrong_key = read(&one.certificate, other.key.expose(), &authority(&one));
        assert!(matches!(wrong_key, IdentityError::Key(_)), "{wrong_key}");
        let wrong_authority = read(&one.certificate, one.key.expose(), &authority(&other));
        assert!(matches!(wrong_authority, IdentityError::Certificate(_)), "{wrong_authority}");
        let no_pem = read("hello", one.key.expose(), &authority(&one));
        assert_eq!(no_pem, IdentityError::Pem("the certificate"));
        let two = authority(&one) + &authority(&other);
        let wrong_count = read(&one.certificate, one.key.expose(), &two);
        assert_eq!(wrong_count, IdentityError::Pem("the authority's certificate"));
        assert!(!format!("{one:?}").contains("PRIVATE"), "{one:?}");
    }
}
