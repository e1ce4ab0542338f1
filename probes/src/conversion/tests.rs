use http::HeaderMap;
use sidestep_dialect::{Dialect, classify};

use super::*;

#[test]
fn traffic_keeps_its_own_mistakes_and_a_probe_blames_the_model_for_them() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
    let spent = r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let long = r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
    let (status, in_band) = (Class::Hard(Fault::Status), Class::Hard(Fault::InBand));
    let cases = [
        (500, "", status, status),
        (503, "", status, status),
        (529, overloaded, Class::Overload, Class::Overload),
        (200, overloaded, Class::Overload, Class::Overload),
        (200, r#"{"error":{"message":"m","type":"server_error"}}"#, in_band, in_band),
        (302, "", status, status),
        (429, "", Class::Rate, Class::Rate),
        (429, spent, Class::Quota, Class::Quota),
        (402, "", Class::Quota, Class::Quota),
        (401, "", Class::Auth, Class::Auth),
        (403, "", Class::Auth, Class::Auth),
        (400, "", Class::Client, status),
        (400, long, Class::Client, status),
        (413, "", Class::Client, status),
        (422, "", Class::Client, status),
        (
            404,
            r#"{"error":{"code":"model_not_found","message":"m"}}"#,
            Class::ModelMissing,
            Class::ModelMissing,
        ),
        (404, "<html>", Class::ModelMissing, status),
    ];
    for (code, body, traffic, probe) in cases {
        let failure = classify(Dialect::OpenAi, code, &HeaderMap::new(), body.as_bytes());
        assert_eq!(class_of(&failure), traffic, "{code} {body}");
        assert_eq!(probe_class_of(&failure), probe, "{code} {body}");
    }
}
