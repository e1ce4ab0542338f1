//! One target, as it is reached: where, with which headers, and for how long. Nothing here shows an address.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use sidestep_dialect::error::retry_after;
use sidestep_table::Fault;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::body::Body;
use crate::config::{HttpVersion, NotifyTarget, TargetKind};
use crate::upstream::{Dial, TlsError, Transport, client_config, connect};

/// For TCP and TLS to be established.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// For the whole exchange.
const EXCHANGE_TIME: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes. Nothing but `sidestep notify test` looks at it.
const ANSWER: usize = 4 << 10;
/// Where an Alertmanager takes alerts.
const ALERTS: &str = "/api/v2/alerts";

/// A target that can be written to.
pub(crate) struct Outlet {
    uri: Uri,
    headers: HeaderMap,
    transport: Transport,
}

/// A target that took a message.
#[derive(Debug, PartialEq)]
pub(crate) struct Taken {
    pub(crate) status: StatusCode,
    /// What it said, as far as it was short and text.
    pub(crate) said: String,
}

/// Why a message did not arrive. No text of it holds an address or an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no address.
    #[error("its url is missing")]
    NoUrl,
    /// It was found to be so before.
    #[error("it cannot be used as it is configured")]
    Unusable,
    /// What verifies its certificate cannot be read.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// It could not be reached, or hung up.
    #[error("it {0}")]
    Unreachable(&'static str),
    /// It was reached and said nothing in time.
    #[error("it did not answer within {} s", EXCHANGE_TIME.as_secs())]
    Silent,
    /// It said no.
    #[error("it answered {status}")]
    Refused {
        /// Its status.
        status: StatusCode,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
        /// What it said.
        said: String,
    },
}

// === impl Outlet ===

impl Outlet {
    /// Makes `target` usable. Blocks on the files of the trust store.
    ///
    /// # Errors
    /// When its address is missing or its trust store unusable.
    pub(crate) fn build(target: &NotifyTarget) -> Result<Outlet, Failure> {
        let tls = client_config(target.ca_file.as_deref())?;
        let dial = Dial { http: HttpVersion::Http1, connect_timeout: CONNECT_TIME, max_concurrency: 1 };
        Outlet::over(target, connect(&dial, tls))
    }

    /// The same by another way.
    pub(super) fn over(target: &NotifyTarget, transport: Transport) -> Result<Outlet, Failure> {
        let url = target.url.secret().ok_or(Failure::NoUrl)?.expose();
        let url = match target.kind {
            TargetKind::Alertmanager => {
                format!("{}{ALERTS}", url.trim_end_matches('/').trim_end_matches(ALERTS))
            }
            TargetKind::Slack | TargetKind::Webhook => url.to_owned(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("sidestep/", env!("CARGO_PKG_VERSION"))));
        let token = target.token.as_ref().and_then(|token| token.secret()?.header("Bearer "));
        headers.extend(token.map(|token| (AUTHORIZATION, token)));
        let more = target.headers.iter();
        headers.extend(more.filter_map(|(name, value)| Some((name.clone(), value.secret()?.header("")?))));
        Ok(Outlet { uri: url.parse().map_err(|_| Failure::NoUrl)?, headers, transport })
    }

    /// Posts `body` once. Redirects are not followed: where they lead was not configured.
    ///
    /// # Errors
    /// When it did not arrive, or was not taken.
    pub(crate) async fn post(&self, body: Bytes) -> Result<Taken, Failure> {
        match timeout(EXCHANGE_TIME, self.exchange(body)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Silent),
        }
    }

    async fn exchange(&self, body: Bytes) -> Result<Taken, Failure> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let answer =
            self.transport.clone().oneshot(request).await.map_err(|error| unreachable(error.fault))?;
        let (status, wait) = (answer.status(), retry_after(answer.status().as_u16(), answer.headers()));
        // The status is the answer; what follows is for people, as far as it comes.
        let said = self.without_address(&beginning(answer.into_body()).await);
        if status.is_success() {
            Ok(Taken { status, said })
        } else {
            Err(Failure::Refused { status, wait, said })
        }
    }

    /// `answer` as text in one line, without what came with the request: some servers repeat it.
    fn without_address(&self, answer: &[u8]) -> String {
        let text = String::from_utf8_lossy(answer);
        let secrets = self
            .headers
            .values()
            .filter(|value| value.is_sensitive())
            .filter_map(|value| value.to_str().ok());
        let secrets = secrets.flat_map(|value| [Some(value), value.strip_prefix("Bearer ")]).flatten();
        let path = self.uri.path_and_query().map(|path| path.as_str()).into_iter();
        let parts =
            path.flat_map(|path| [path, path.trim_start_matches('/')]).chain(self.uri.path().split('/'));
        // Short parts are no secrets, and stand in ordinary words.
        let mut parts: Vec<&str> = parts.chain(secrets).filter(|part| part.len() >= 6).collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        let clean =
            parts.iter().fold(text.into_owned(), |text, part| text.replace(part, crate::config::REDACTED));
        clean.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What `body` begins with, as far as it comes and is kept.
async fn beginning(mut body: Body) -> Vec<u8> {
    let mut read = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        read.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        if read.len() >= ANSWER {
            break;
        }
    }
    read.truncate(ANSWER);
    read
}

/// The causes that the system gives may name the host, which may be a secret, too.
fn unreachable(fault: Fault) -> Failure {
    Failure::Unreachable(match fault {
        Fault::Tls => "could not prove who it is (TLS)",
        Fault::Connect => "could not be reached: no such host, or no connection within 5 s",
        _ => "hung up, or does not speak HTTP",
    })
}

// === impl Failure ===

impl Failure {
    /// Whether the same message may arrive when it is sent again.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::NoUrl | Self::Unusable | Self::Tls(_) => false,
            Self::Unreachable(_) | Self::Silent => true,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(status)
            }
        }
    }

    /// How long the target wants to be left alone.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused { wait, .. } => *wait,
            _ => None,
        }
    }
}
