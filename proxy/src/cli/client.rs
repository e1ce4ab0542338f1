//! A tiny client for the admin side of a running Sidestep.

use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::config::Secret;

const CONNECT_TIME: Duration = Duration::from_secs(3);
const TOTAL_TIME: Duration = Duration::from_secs(20);
/// Largest answer in bytes.
const ANSWER: usize = 16 << 20;
/// Where the token is looked for when it is not given.
const TOKEN: &str = "SIDESTEP_ADMIN_TOKEN";

/// Which Sidestep to talk to.
#[derive(Args, Clone, Debug)]
pub(super) struct AdminAddress {
    /// Admin address of the Sidestep to talk to
    #[arg(long, value_name = "URL", default_value = AdminAddress::USUAL)]
    admin: String,
    /// Bearer token, needed from another machine; better given in SIDESTEP_ADMIN_TOKEN, where `ps` does not show it
    #[arg(long, value_name = "TOKEN", value_parser = secret)]
    token: Option<Secret>,
}

/// Why the admin side gave no good answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// `--admin` cannot be used.
    #[error("`{0}` is no admin address; write it like http://127.0.0.1:6181")]
    Address(String),
    /// The token cannot stand in a header.
    #[error("the token holds characters that a header cannot carry")]
    Token,
    /// Nobody listens there, or the way is blocked.
    #[error(
        "cannot reach {address}: {reason}\nIs sidestep running? Start it with `sidestep run`, or name its admin address with --admin."
    )]
    Unreachable {
        /// Where.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// It took too long.
    #[error("{0} did not answer in time; it is overloaded, or that is no Sidestep")]
    Timeout(String),
    /// Something else answered.
    #[error(
        "what answers at {address} is no Sidestep admin side: {reason}\nThe admin side is at port 6181 by default, applications call 6180."
    )]
    Strange {
        /// Where.
        address: String,
        /// What is strange.
        reason: String,
    },
    /// Sidestep refused.
    #[error("{why}{hint}")]
    Refused {
        /// Its words.
        why: String,
        /// What to do about it; begins with a line break, or is empty.
        hint: &'static str,
    },
}

/// Talks to one admin side.
pub(super) struct AdminClient {
    authority: Authority,
    token: Option<HeaderValue>,
    http: Client<HttpConnector, Full<Bytes>>,
}

// === impl AdminAddress ===

impl AdminAddress {
    /// Where the admin side listens unless it is told otherwise.
    pub(super) const USUAL: &'static str = "http://127.0.0.1:6181";

    /// The Sidestep at `url`, without a token.
    pub(super) fn at(url: &str) -> AdminAddress {
        AdminAddress { admin: url.to_owned(), token: None }
    }

    pub(super) fn client(&self) -> Result<AdminClient, ClientError> {
        let wrong = || ClientError::Address(self.admin.clone());
        let uri: Uri = self.admin.parse().map_err(|_| wrong())?;
        // `host:port` alone parses as an authority; anything but http would promise what we do not do.
        if uri.scheme().is_some_and(|scheme| *scheme != Scheme::HTTP)
            || uri.path().len() > 1
            || uri.query().is_some()
        {
            return Err(wrong());
        }
        let authority = uri.authority().cloned().ok_or_else(wrong)?;
        let token = self.token.clone();
        let token = token
            .or_else(|| std::env::var(TOKEN).ok().filter(|set| !set.is_empty()).map(|set| Secret::new(&set)));
        let token = token.map(|token| token.header("Bearer ").ok_or(ClientError::Token)).transpose()?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIME));
        connector.set_nodelay(true);
        Ok(AdminClient { authority, token, http: Client::builder(TokioExecutor::new()).build(connector) })
    }
}

// === impl AdminClient ===

impl AdminClient {
    /// Where it talks to.
    pub(super) fn address(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// Asks, and gives the answer's JSON.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let answered = tokio::time::timeout(TOTAL_TIME, self.exchange(method, path, body)).await;
        let (status, body) = answered.map_err(|_| ClientError::Timeout(self.address()))??;
        match (status.is_success(), serde_json::from_slice::<Value>(&body)) {
            (true, Ok(answer)) => Ok(answer),
            (false, Ok(answer)) if answer["error"].is_string() => Err(refused(status, &answer)),
            _ => Err(self.strange(&format!("status {status}, and no JSON that we know"))),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let request = self.request(method, path, body)?;
        let response = self.http.request(request).await.map_err(|error| {
            let reason = innermost(&error);
            if error.is_connect() {
                ClientError::Unreachable { address: self.address(), reason }
            } else {
                self.strange(&reason)
            }
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER).collect().await;
        let body = body.map_err(|error| self.strange(&innermost(&*error)))?;
        Ok((head.status, body.to_bytes()))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let wrong = |_| ClientError::Address(self.address());
        let path: PathAndQuery =
            path.parse().map_err(|_| ClientError::Address(format!("{}{path}", self.address())))?;
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone()).path_and_query(path);
        let body = body.map_or_else(Full::default, |body| Full::new(body.to_string().into()));
        let mut request = Request::builder().method(method).uri(uri.build().map_err(wrong)?);
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        request.body(body).map_err(wrong)
    }

    pub(super) fn strange(&self, reason: &str) -> ClientError {
        ClientError::Strange { address: self.address(), reason: reason.to_owned() }
    }
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

fn refused(status: StatusCode, answer: &Value) -> ClientError {
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "\nGive the token that is configured as admin.token with SIDESTEP_ADMIN_TOKEN or --token."
        }
        _ => "",
    };
    let why = super::terminal::tame(answer["error"].as_str().unwrap_or_default());
    ClientError::Refused { why, hint }
}

/// The cause that says something to a person: "Connection refused (os error 111)".
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
