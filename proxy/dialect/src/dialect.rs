//! The wire formats that applications and providers speak, and the paths that tell them apart.

use serde::{Deserialize, Serialize};

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Anthropic Messages, `POST /v1/messages`.
    Anthropic,
    /// OpenAI Chat Completions, `POST /v1/chat/completions`.
    OpenAi,
    /// OpenAI Responses, `POST /v1/responses`.
    Responses,
}

/// Whose implementation of a dialect answers: vendors differ where the dialect leaves room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    /// Anthropic's own API.
    Anthropic,
    /// OpenAI's own API, or one that follows it to the letter.
    OpenAi,
    /// xAI: counts reasoning outside of the completion tokens, ends tool calls with `stop`.
    Xai,
    /// Anything else that speaks a dialect, such as vLLM: the least is taken for granted.
    Generic,
}

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A model's answer; the only endpoint that can be answered by another provider.
    Generate,
    /// Anthropic's `count_tokens`.
    CountTokens,
    /// The list of models.
    Models,
    /// One model, by id.
    Model(String),
    /// Embeddings.
    Embeddings,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::Anthropic, Self::OpenAi, Self::Responses];

    /// The name used in configuration and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Responses => "responses",
        }
    }

    /// Which dialect and endpoint a request path stands for; the leading `/v1` is optional, because the
    /// Vercel SDK takes its base URL verbatim, and a query string is ignored.
    ///
    /// The models paths are the same in all dialects and come out as [`Dialect::OpenAi`]; a caller that
    /// sends an `anthropic-version` header wants [`Dialect::Anthropic`] there.
    #[must_use]
    pub fn from_path(path: &str) -> Option<(Self, Endpoint)> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let path = if path.len() > 1 { path.strip_suffix('/').unwrap_or(path) } else { path };
        Some(match path {
            "/messages" => (Self::Anthropic, Endpoint::Generate),
            "/messages/count_tokens" => (Self::Anthropic, Endpoint::CountTokens),
            "/chat/completions" => (Self::OpenAi, Endpoint::Generate),
            "/responses" => (Self::Responses, Endpoint::Generate),
            "/embeddings" => (Self::OpenAi, Endpoint::Embeddings),
            "/models" => (Self::OpenAi, Endpoint::Models),
            // Vendors put slashes into model names, so the rest of the path is the id.
            _ => {
                let id = path.strip_prefix("/models/").filter(|id| !id.is_empty() && !climbs(id))?;
                (Self::OpenAi, Endpoint::Model(id.to_owned()))
            }
        })
    }

    /// The path of this dialect's [`Endpoint::Generate`] below an upstream's base URL without `/v1`.
    #[must_use]
    pub const fn generate_path(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages",
            Self::OpenAi => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
        }
    }
}

/// Whether a path has segments that lead out of it once it is normalised (RFC 3986 §5.2.4): then a provider may
/// take it for another endpoint than it was taken for here.
fn climbs(path: &str) -> bool {
    let dots = |segment: &str| segment.to_ascii_lowercase().replace("%2e", ".");
    path.split(['/', '\\']).any(|segment| matches!(&*dots(segment), "." | ".."))
        || path.to_ascii_lowercase().contains("%2f")
        || path.to_ascii_lowercase().contains("%5c")
}

impl Flavor {
    /// The name used in configuration and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Xai => "xai",
            Self::Generic => "generic",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_dialect_and_endpoint_with_and_without_version() {
        let generate = |dialect| Some((dialect, Endpoint::Generate));
        assert_eq!(Dialect::from_path("/v1/messages?beta=true"), generate(Dialect::Anthropic));
        assert_eq!(Dialect::from_path("/messages"), generate(Dialect::Anthropic));
        assert_eq!(Dialect::from_path("/v1/chat/completions/"), generate(Dialect::OpenAi));
        assert_eq!(Dialect::from_path("/responses"), generate(Dialect::Responses));
        let model = Some((Dialect::OpenAi, Endpoint::Model("meta/llama-4".to_owned())));
        assert_eq!(Dialect::from_path("/v1/models/meta/llama-4"), model);
        for unknown in [
            "",
            "/",
            "/v1",
            "/v1/",
            "/v1messages",
            "/v2/messages",
            "/v1/responses/resp_1",
            "/v1/models/../files",
            "/v1/models/a/%2E./%2e%2e/files",
            "/v1/models/..%2Ffiles",
        ] {
            assert_eq!(Dialect::from_path(unknown), None, "{unknown}");
        }
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::from_path(dialect.generate_path()), generate(dialect));
        }
    }
}
