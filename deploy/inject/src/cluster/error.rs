//! Why the API server did not do what was asked.

use http::StatusCode;
use serde::Deserialize;

/// Why a call to the API server failed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// This process does not run in a pod with a service account.
    #[error(
        "not in a Kubernetes pod: {0}; `sidestep inject` runs as a Deployment of the Helm chart, \
         with its service account's token mounted"
    )]
    Outside(String),
    /// A file that Kubernetes mounts cannot be used.
    #[error("cannot use {path}: {reason}")]
    File {
        /// Which one.
        path: std::path::PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// No answer came.
    #[error("the API server did not answer {action}: {reason}")]
    Silent {
        /// Method and path.
        action: String,
        /// What failed.
        reason: String,
    },
    /// The API server refused.
    #[error("the API server refused {action}: {status}: {message}{}", hint(*status))]
    Refused {
        /// Method and path.
        action: String,
        /// Its status.
        status: StatusCode,
        /// Its words.
        message: String,
    },
    /// An answer that is not what was asked for.
    #[error("the API server's answer to {action} cannot be read: {reason}")]
    Unreadable {
        /// Method and path.
        action: String,
        /// What is wrong, without any of its content.
        reason: String,
    },
}

/// What the API server says when it refuses (`meta/v1 Status`).
#[derive(Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) message: String,
}

impl ClusterError {
    /// Someone else changed the object since it was read: read it again.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT)
    }

    /// We may not do this.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(StatusCode::FORBIDDEN)
    }

    pub(super) fn is_missing(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => {
            " (the service account lacks this right: compare its Role and ClusterRole with the chart's)"
        }
        StatusCode::UNAUTHORIZED => " (the service account's token was not accepted)",
        _ => "",
    }
}
