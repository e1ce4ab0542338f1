//! A vendor's error, in the vendor's words and form.

use serde_json::{Value, json};

use crate::vendor::Maker;

/// What a vendor complains about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// OpenAI's name of the offending parameter.
    pub(crate) param: Option<String>,
    /// The machine-readable code, when it is not the status's usual one.
    pub(crate) code: Option<String>,
}

/// The body with which servers of `maker` answer a request by this status.
#[must_use]
pub fn error_body(maker: Maker, status: u16) -> Value {
    Complaint::of_status(status, None).body(maker, "req_simulated")
}

impl Complaint {
    /// The status's usual complaint.
    pub(crate) fn of_status(status: u16, code: Option<&str>) -> Self {
        let message = match (status, code) {
            (_, Some(code)) => format!("Simulated: {code}"),
            (401, _) => "Incorrect API key provided.".to_owned(),
            (429, _) => "Rate limit reached, please try again later.".to_owned(),
            (503 | 529, _) => "Overloaded".to_owned(),
            (500..=599, _) => "The server had an error while processing your request.".to_owned(),
            _ => format!("Simulated status {status}."),
        };
        Self { status, message, param: None, code: code.map(str::to_owned) }
    }

    /// A request that the vendor would not take.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), param: None, code: None }
    }

    /// The parameter that is at fault.
    pub(crate) fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(crate) fn coded(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    pub(crate) const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The body as this maker writes it.
    pub(crate) fn body(&self, maker: Maker, request_id: &str) -> Value {
        match maker {
            Maker::Anthropic => json!({
                "type": "error", "error": self.anthropic(), "request_id": request_id,
            }),
            Maker::OpenAi => json!({ "error": self.openai() }),
            Maker::Xai => json!({ "code": self.xai_code(), "error": self.message }),
            Maker::Generic => json!({ "error": {
                "message": self.message, "type": self.generic_type(), "param": self.param, "code": self.status,
            }}),
        }
    }

    /// The `error` object that a stream carries; there, xAI writes OpenAI's.
    pub(crate) fn in_band(&self, maker: Maker) -> Value {
        if maker == Maker::Anthropic { self.anthropic() } else { self.openai() }
    }

    fn anthropic(&self) -> Value {
        let kind = match self.status {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            529 => "overloaded_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        };
        let mut error = json!({ "type": kind, "message": self.message });
        if let Some(code) = &self.code {
            if code.ends_with("_error") {
                error["type"] = code.as_str().into();
            } else {
                error["details"] = json!({ "error_code": code });
            }
        }
        error
    }

    fn openai(&self) -> Value {
        let (kind, code) = match self.status {
            401 => ("invalid_request_error", Some("invalid_api_key")),
            402 => ("insufficient_quota", Some("insufficient_quota")),
            403 => ("invalid_request_error", Some("unsupported_country_region_territory")),
            429 => ("requests", Some("rate_limit_exceeded")),
            503 => ("service_unavailable_error", Some("server_is_overloaded")),
            500.. => ("server_error", None),
            _ => ("invalid_request_error", None),
        };
        let kind = match self.code.as_deref() {
            Some("insufficient_quota") => "insufficient_quota",
            _ => kind,
        };
        let code = self.code.as_deref().or(code);
        json!({ "message": self.message, "type": kind, "param": self.param, "code": code })
    }

    const fn xai_code(&self) -> &'static str {
        match self.status {
            401 => "Unauthenticated",
            403 => "The caller does not have permission to execute the specified operation",
            404 => "Some requested entity was not found",
            429 => "Some resource has been exhausted",
            503 | 529 => "The service is currently unavailable",
            500..=599 => "Internal error",
            _ => "Client specified an invalid argument",
        }
    }

    const fn generic_type(&self) -> &'static str {
        match self.status {
            401 => "AuthenticationError",
            404 => "NotFoundError",
            429 => "RateLimitError",
            500..=599 => "InternalServerError",
            _ => "BadRequestError",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_maker_writes_its_own_form() {
        let overloaded = Complaint::of_status(529, None);
        assert_eq!(overloaded.body(Maker::Anthropic, "req_1")["error"]["type"], "overloaded_error");
        let quota = Complaint::of_status(429, Some("insufficient_quota")).body(Maker::OpenAi, "");
        assert_eq!(quota["error"]["type"], "insufficient_quota");
        assert_eq!(quota["error"]["code"], "insufficient_quota");
        assert!(quota["error"]["param"].is_null());
        assert!(overloaded.body(Maker::Xai, "")["error"].is_string());
        assert_eq!(overloaded.body(Maker::Generic, "")["error"]["code"], 529);
        let spent = Complaint::of_status(429, Some("enforced_spend_limit_reached"));
        assert_eq!(
            spent.body(Maker::Anthropic, "")["error"]["details"]["error_code"],
            "enforced_spend_limit_reached"
        );
    }
}
