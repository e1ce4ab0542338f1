//! What people write, and what they may read, is in the README.

use sidestep_inject::{Settings, names};

const README: &str = include_str!("../../README.md");

#[test]
fn every_annotation_variable_and_reason_is_explained() {
    for annotation in names::ANNOTATIONS {
        assert!(README.contains(&format!("`{annotation}`")), "{annotation}");
    }
    let bare = crate::generated::review(&serde_json::json!({
        "metadata": { "labels": { "sidestep.dev/inject": "enabled" } },
        "spec": { "containers": [{ "name": "app" }] },
    }));
    let applied = crate::settled::settle(&bare, &crate::settings(""));
    for variable in crate::applied::variables(applied.container("app")) {
        assert!(README.contains(&format!("`{variable}`")), "{variable}");
    }
    let reasons = sidestep_inject::Reason::LABELS;
    for reason in reasons {
        assert!(README.contains(&format!("| `{reason}` |")), "{reason}");
    }
    let rows = README.lines().skip_while(|line| !line.starts_with("| reason")).skip(2);
    assert_eq!(rows.take_while(|line| line.starts_with('|')).count(), reasons.len());
}

/// Of the sidecar's settings; each key is known, for the file with all of them is read.
#[test]
fn every_setting_of_the_sidecar_is_explained() {
    let all = "image: i, pull_policy: Never, native: true, config: c, keys_secret: k, \
               resources: { requests: { cpu: 1, memory: 1 }, limits: { cpu: 1, memory: 1 } }, \
               guaranteed: { cpu: 1, memory: 1 }, placeholder_keys: true, run_as_user: 1, admin_host: '::', log_level: info";
    let text =
        format!("{{ namespace: n, certificate: {{ mode: files, folder: /t }}, sidecar: {{ {all} }} }}");
    let settings = format!("{:?}", Settings::parse(&text).unwrap().sidecar);
    let rows: Vec<&str> =
        README.lines().filter_map(|line| line.strip_prefix("| `sidecar.")?.split('`').next()).collect();
    for row in &rows {
        assert!(settings.contains(&format!("{row}: ")) && all.contains(row), "{row} is no setting");
    }
    // Those with their own types have fields of their own.
    let fields = ["image", "pull_policy", "native", "config", "keys_secret", "resources", "guaranteed"];
    assert!(fields.iter().all(|field| rows.contains(field)));
    assert_eq!(rows.len(), 11);
}
