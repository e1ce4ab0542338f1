//! Anthropic's beta flags.

use http::HeaderMap;

/// Betas that add nothing which the body would not show, or that only save cost or time, by the part of
/// their name before the date. What the body shows is judged there.
const HARMLESS: [&str; 24] = [
    "prompt-caching",
    "prompt-caching-scope",
    "extended-cache-ttl",
    "cache-diagnosis",
    "fine-grained-tool-streaming",
    "token-efficient-tools",
    "interleaved-thinking",
    "output-128k",
    "output-300k",
    "max-tokens-3-5-sonnet",
    "context-1m",
    "context-management",
    "structured-outputs",
    "effort",
    "advanced-tool-use",
    "tool-examples",
    "pdfs",
    "files-api",
    "message-batches",
    "token-counting",
    "claude-code",
    "oauth",
    "mcp-client",
    "model-context-window-exceeded",
];

/// Whether a request opts into a beta that may change its answer in ways which are not known.
pub(crate) fn any_unknown(headers: &HeaderMap) -> bool {
    let values = headers.get_all("anthropic-beta").iter().filter_map(|value| value.to_str().ok());
    let mut names = values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty());
    names.any(|name| !HARMLESS.contains(&without_date(name)))
}

/// `context-1m-2025-08-07` and `claude-code-20250219` without their dates.
fn without_date(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_betas_are_told_from_unknown_ones() {
        let unknown = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("anthropic-beta", http::HeaderValue::from_static(value));
            any_unknown(&headers)
        };
        assert!(!unknown("context-1m-2025-08-07, claude-code-20250219,output-128k-2025-02-19"));
        assert!(!unknown("interleaved-thinking-2025-05-14"));
        assert!(unknown("prompt-caching-2024-07-31,telepathy-2027-01-01"));
    }
}
