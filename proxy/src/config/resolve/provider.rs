//! `providers:`.

use std::time::Duration;

use http::{HeaderName, Uri, header, uri};

use super::Resolver;
use crate::config::{
    Credential, Dialect, Flavor, HttpVersion, ProviderConfig,
    nearest::suggestion,
    place::Place,
    preset::{PRESETS, Preset},
    schema::{DialectWord, HttpWord, Named, ProviderSchema, SecretSchema},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Headers that frame a call; whoever sets them from outside breaks it.
const FRAMING: [HeaderName; 6] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
];

impl Resolver<'_> {
    /// One entry for each of `providers:`; `None` for one that is refused, so that positions still agree.
    pub(super) fn providers(&mut self, named: &[(String, ProviderSchema)]) -> Vec<Option<ProviderConfig>> {
        let place = Place::default().name("providers");
        if named.is_empty() {
            self.refuse(&place, "there is no provider");
        }
        named.iter().map(|(id, schema)| self.provider(id, schema, &place.name(id))).collect()
    }

    fn provider(&mut self, id: &str, schema: &ProviderSchema, place: &Place) -> Option<ProviderConfig> {
        self.check_name(id, place);
        let preset = self.preset(id, schema, place)?;
        let dialects = self.dialects(schema, preset, place);
        let api_key = schema.api_key.as_ref().map(|key| self.credential(key, &place.name("api_key")));
        if let (None, Some(preset), None) = (&api_key, preset, &schema.base_url) {
            let hint = format!("`api_key: {{ env: {} }}`", preset.variable);
            self.refuse(&place.key(), format!("`{id}` wants a key, for example {hint}"));
        }
        let base_url = self.base_url(schema, preset, &dialects, place);
        let headers = self.headers(&schema.headers, place);
        let connect_timeout = schema.connect_timeout.map_or(CONNECT_TIMEOUT, |period| period.0);
        if connect_timeout.is_zero() {
            self.refuse(&place.name("connect_timeout"), "leaves no time to connect");
        }
        Some(ProviderConfig {
            id: id.to_owned(),
            preset: preset.map(|preset| preset.name),
            flavor: preset.map_or(Flavor::Generic, |preset| preset.flavor),
            dialects,
            base_url: base_url?,
            api_key: api_key.flatten(),
            ca_file: schema.ca_file.as_ref().map(|path| self.readable(path, &place.name("ca_file"))),
            http: schema.http.map_or(HttpVersion::Auto, HttpVersion::from),
            headers,
            connect_timeout,
        })
    }

    /// The preset that is named, or that the provider's own name is; `None` if it is refused.
    fn preset(
        &mut self,
        id: &str,
        schema: &ProviderSchema,
        place: &Place,
    ) -> Option<Option<&'static Preset>> {
        let names = || PRESETS.iter().map(|preset| preset.name);
        match &schema.preset {
            Some(name) => {
                let preset = Preset::named(name);
                if preset.is_none() {
                    let known = names().collect::<Vec<_>>().join(", ");
                    let hint = suggestion(name, names());
                    self.refuse(
                        &place.name("preset"),
                        format!("unknown preset `{name}`{hint} (known: {known})"),
                    );
                }
                preset.map(Some)
            }
            None => {
                let preset = Preset::named(id);
                if preset.is_none() && (schema.base_url.is_none() || schema.dialect.is_none()) {
                    let lacking = if schema.base_url.is_none() { "base_url" } else { "dialect" };
                    let hint = suggestion(id, names());
                    let message =
                        format!("`{id}` is no known provider{hint} It needs `{lacking}`, or a `preset`");
                    self.refuse(&place.key(), message.replace("provider It", "provider. It"));
                    return None;
                }
                Some(preset)
            }
        }
    }

    fn dialects(&mut self, schema: &ProviderSchema, preset: Option<&Preset>, place: &Place) -> Vec<Dialect> {
        let place = place.name("dialect");
        let Some(words) = &schema.dialect else {
            let known = preset.map_or(&[] as &[Dialect], |preset| preset.dialects);
            if known.is_empty() {
                self.refuse(&place, "there is no dialect");
            }
            return known.to_vec();
        };
        if words.0.is_empty() {
            self.refuse(&place, "there is no dialect");
        }
        let dialects: Vec<Dialect> = words.0.iter().map(|word| Dialect::from(*word)).collect();
        for (at, dialect) in dialects.iter().enumerate() {
            if dialects[..at].contains(dialect) {
                self.refuse(&place.index(at), format!("`{}` is already given", dialect.as_str()));
            }
        }
        dialects
    }

    fn base_url(
        &mut self,
        schema: &ProviderSchema,
        preset: Option<&Preset>,
        dialects: &[Dialect],
        place: &Place,
    ) -> Option<Uri> {
        let place = place.name("base_url");
        let text = match &schema.base_url {
            Some(text) => self.filled(text, &place)?,
            None => preset?.base_url.to_owned(),
        };
        let url = base_url(&text, dialects);
        url.map_err(|why| self.refuse(&place, why)).ok()
    }

    /// `headers:` within `place`.
    pub(super) fn headers(
        &mut self,
        named: &Named<SecretSchema>,
        place: &Place,
    ) -> Vec<(HeaderName, Credential)> {
        let place = place.name("headers");
        let mut headers = Vec::new();
        for (name, value) in &named.0 {
            let place = place.name(name);
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(header) if FRAMING.contains(&header) => {
                    self.refuse(&place.key(), "is set by Sidestep itself");
                }
                Ok(header) => headers.extend(self.credential(value, &place).map(|value| (header, value))),
                Err(_) => self.refuse(&place.key(), "is not the name of a header"),
            }
        }
        headers
    }
}

/// An absolute URL with the version segment that SDKs of the dialect put into it or behind it.
fn base_url(text: &str, dialects: &[Dialect]) -> Result<Uri, String> {
    const EXPECTED: &str = "expected an absolute URL such as `https://llm.example.com/v1`";
    let parts = text.trim_end_matches('/').parse::<Uri>().map_err(|_| EXPECTED.to_owned())?.into_parts();
    let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
        return Err(EXPECTED.to_owned());
    };
    if scheme != uri::Scheme::HTTP && scheme != uri::Scheme::HTTPS {
        return Err(EXPECTED.to_owned());
    }
    if authority.as_str().contains('@') {
        return Err("a key belongs into `api_key`, not into the URL".to_owned());
    }
    let path = parts.path_and_query.as_ref().map_or("", |path| path.path()).trim_end_matches('/');
    if parts.path_and_query.as_ref().is_some_and(|path| path.query().is_some()) {
        return Err("a base URL has no query".to_owned());
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    let versioned = last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    // Anthropic's SDKs append `/v1/messages` to theirs, OpenAI's expect the version within.
    let bare = path.is_empty() || (dialects == [Dialect::Anthropic] && !versioned);
    let path = if bare { format!("{path}/v1") } else { path.to_owned() };
    let url = Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build();
    url.map_err(|_| EXPECTED.to_owned())
}

impl From<DialectWord> for Dialect {
    fn from(word: DialectWord) -> Self {
        match word {
            DialectWord::Anthropic => Self::Anthropic,
            DialectWord::OpenAi => Self::OpenAi,
            DialectWord::Responses => Self::Responses,
        }
    }
}

impl From<HttpWord> for HttpVersion {
    fn from(word: HttpWord) -> Self {
        match word {
            HttpWord::Auto => Self::Auto,
            HttpWord::Http1 => Self::Http1,
            HttpWord::Http2 => Self::Http2,
        }
    }
}
