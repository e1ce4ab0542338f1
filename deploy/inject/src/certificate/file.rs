//! Certificates that someone else renews, in files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::identity::{Identity, IdentityError};
use super::serving::Serving;
use crate::metrics::Metrics;

/// How often files are read. Kubernetes takes about a minute to renew them.
const POLL: Duration = Duration::from_secs(2);

/// Why the files are not served.
#[derive(Debug, PartialEq, thiserror::Error)]
enum FileError {
    #[error("cannot read {0}: {1}")]
    Unreadable(String, std::io::ErrorKind),
    #[error(transparent)]
    Unusable(#[from] IdentityError),
}

/// Serves `tls.crt` and `tls.key` of `folder`, again whenever they change. Files that are of no use change nothing
/// but the log and a metric. Never ends.
pub async fn follow_files(folder: &Path, serving: Arc<Serving>, metrics: &Metrics) {
    let mut told = None;
    loop {
        match read(folder).await {
            Ok(identity) => {
                told = None;
                if serving.now().is_none_or(|now| *now != identity) {
                    tracing::info!(not_after = identity.not_after, "serving the certificate of the files");
                    metrics.certificate(identity.not_after);
                    serving.serve(identity);
                    // Whoever issued it also tells callers whom to believe.
                    serving.trusted();
                }
            }
            Err(error) => {
                metrics.certificate_failure();
                // Once for each trouble, not every two seconds.
                if told.as_ref() != Some(&error) {
                    let folder = folder.display();
                    tracing::error!(%folder, %error, "the certificate files are of no use; what was served is kept");
                    told = Some(error);
                }
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn read(folder: &Path) -> Result<Identity, FileError> {
    let text = async |name: &str| {
        let path = folder.join(name);
        let read = tokio::fs::read_to_string(&path).await;
        read.map_err(|error| FileError::Unreadable(path.display().to_string(), error.kind()))
    };
    let (certificate, key) = (text("tls.crt").await?, text("tls.key").await?);
    Ok(Identity::unvouched((&certificate, &key))?)
}
