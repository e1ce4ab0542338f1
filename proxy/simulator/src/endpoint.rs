//! A vendor's endpoints.

use http::Method;

use crate::vendor::{Form, Maker};

/// What a path stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Generate(Form),
    CountTokens,
    Embeddings,
    Models,
    Model(String),
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    Path,
    Method,
}

impl Endpoint {
    pub(crate) fn find(maker: Maker, method: &Method, path: &str) -> Result<Self, Lost> {
        let rest = path.strip_prefix("/v1/").ok_or(Lost::Path)?;
        let openai = maker != Maker::Anthropic;
        let found = match rest {
            "messages" => Self::Generate(Form::Messages),
            "chat/completions" => Self::Generate(Form::Chat),
            "responses" => Self::Generate(Form::Responses),
            "messages/count_tokens" if !openai => Self::CountTokens,
            "embeddings" if openai => Self::Embeddings,
            "models" => Self::Models,
            _ => Self::Model(rest.strip_prefix("models/").ok_or(Lost::Path)?.to_owned()),
        };
        match &found {
            Self::Generate(form) if !maker.forms().contains(form) => Err(Lost::Path),
            Self::Models | Self::Model(_) if method == Method::GET => Ok(found),
            Self::Models | Self::Model(_) => Err(Lost::Method),
            _ if method == Method::POST => Ok(found),
            _ => Err(Lost::Method),
        }
    }

    /// As the log writes it.
    pub(crate) const fn path(&self) -> &'static str {
        match self {
            Self::Generate(Form::Messages) => "/v1/messages",
            Self::Generate(Form::Chat) => "/v1/chat/completions",
            Self::Generate(Form::Responses) => "/v1/responses",
            Self::CountTokens => "/v1/messages/count_tokens",
            Self::Embeddings => "/v1/embeddings",
            Self::Models => "/v1/models",
            Self::Model(_) => "/v1/models/{id}",
        }
    }
}
