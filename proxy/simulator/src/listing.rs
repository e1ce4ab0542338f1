//! The endpoints that generate nothing: models, token counts, embeddings.

use serde_json::{Map, Value, json};

use crate::answer::hash;
use crate::complaint::Complaint;
use crate::model::Model;
use crate::vendor::{Maker, Vendor};

/// Dimensions of an embedding, unless the request wants fewer.
const DIMENSIONS: u64 = 256;

pub(crate) fn models(vendor: &Vendor) -> Value {
    let data: Vec<Value> = vendor.models.iter().map(|model| describe(vendor.maker, model)).collect();
    if vendor.maker == Maker::Anthropic {
        let id = |model: Option<&Model>| model.map(|model| model.name.clone());
        let (first, last) = (id(vendor.models.first()), id(vendor.models.last()));
        return json!({ "data": data, "has_more": false, "first_id": first, "last_id": last });
    }
    json!({ "object": "list", "data": data })
}

pub(crate) fn describe(maker: Maker, model: &Model) -> Value {
    let traits = &model.traits;
    if maker == Maker::Anthropic {
        return json!({
            "type": "model",
            "id": model.name,
            "display_name": model.name,
            "created_at": "2026-01-01T00:00:00Z",
            "max_input_tokens": traits.context_tokens,
            "max_tokens": traits.max_output_tokens,
        });
    }
    let mut described = json!({
        "id": model.name, "object": "model", "created": 1_767_225_600, "owned_by": maker.as_str(),
    });
    if maker == Maker::Generic {
        described["max_model_len"] = traits.context_tokens.into();
    }
    described
}

/// The same text has the same embedding, of length one.
pub(crate) fn embeddings(body: &Map<String, Value>, model: &str) -> Result<Value, Complaint> {
    let texts: Vec<String> = match body.get("input") {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(all)) if !all.is_empty() => all.iter().map(Value::to_string).collect(),
        _ => return Err(Complaint::invalid("Missing required parameter: 'input'.").at("input")),
    };
    if body.get("encoding_format").is_some_and(|format| format == "base64") {
        return Ok(encoded(&texts, body, model));
    }
    Ok(list(&texts, model, |text| json!(embed(text, dimensions(body)))))
}

/// The SDKs ask for little-endian 32-bit floats in base64.
fn encoded(texts: &[String], body: &Map<String, Value>, model: &str) -> Value {
    list(texts, model, |text| {
        let bytes: Vec<u8> =
            embed(text, dimensions(body)).iter().flat_map(|value| value.to_le_bytes()).collect();
        base64(&bytes).into()
    })
}

fn list(texts: &[String], model: &str, embedding: impl Fn(&str) -> Value) -> Value {
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({ "object": "embedding", "index": index, "embedding": embedding(text) }))
        .collect();
    let tokens: usize = texts.iter().map(|text| text.chars().count().div_ceil(4)).sum();
    let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    json!({ "object": "list", "data": data, "model": model, "usage": usage })
}

fn dimensions(body: &Map<String, Value>) -> u64 {
    body.get("dimensions").and_then(Value::as_u64).unwrap_or(DIMENSIONS).clamp(1, 4096)
}

fn embed(text: &str, dimensions: u64) -> Vec<f32> {
    let raw: Vec<f32> = (0..dimensions)
        .map(|place| f32::from(u16::try_from(hash(&(text, place)) >> 48).unwrap_or(0)) / 32_768.0 - 1.0)
        .collect();
    let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    raw.into_iter().map(|value| value / length).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let joined =
            group.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS.get(joined >> (18 - 6 * place) & 63).map_or('=', |digit| char::from(*digit));
            text.push(if place <= group.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_rfc_4648() {
        let written = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(written, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }
}
