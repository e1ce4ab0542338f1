//! What becomes of configurations that people have, and of texts that nobody should have.

use std::{fs, path::PathBuf};

use proptest::{prelude::*, sample::Index};

use super::{Finding, ImportError, Imported, Kind, litellm};

const MODELS: &str = "model_list:\n  - { model_name: a, litellm_params: { model: openai/m } }\n";

fn corpus() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/import/corpus")
}

fn import(text: &str) -> Result<Imported, ImportError> {
    litellm(text, "config.yaml", Some(&folder()))
}

fn told(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// The refusal of `text`, without what it says of the file.
fn refusal(text: &str) -> String {
    import(text).unwrap_err().to_string()
}

/// `SIDESTEP_WRITE_IMPORTS=1` writes anew what is expected. Read it before it is committed.
#[test]
fn each_configuration_becomes_what_was_looked_at() {
    let corpus = corpus();
    assert!(corpus.len() >= 6, "{}", corpus.len());
    for (name, text) in corpus {
        let expected = folder().join("../expected").join(&name);
        let imported = litellm(&text, &name, Some(&folder())).unwrap();
        let found = imported.yaml.replace(&format!("{}/", folder().display()), "");
        if std::env::var_os("SIDESTEP_WRITE_IMPORTS").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(&expected).unwrap(), "{name}");
        assert!(!found.contains("verysecret") && !told(&imported.findings).contains("verysecret"), "{name}");
        assert!(!found.contains("hush") && !found.contains("0123456789abcdef"), "{name}");
    }
}

#[test]
fn findings_name_line_key_reason_and_remedy() {
    let text = format!("{MODELS}general_settings:\n  master_key: sk-very\n");
    let findings = import(&text).unwrap().findings;
    let expected = "config.yaml:4: general_settings.master_key: not carried over: applications need no key for Sidestep. \
                    Instead: keep `listen` on loopback; `admin.token` guards the switches.\n";
    assert_eq!(told(&findings), expected);
    assert_eq!(findings[0].kind, Kind::Lost);
    assert_eq!(told(&import(MODELS).unwrap().findings), "");
}

#[test]
fn shares_come_from_weights_or_else_from_limits_and_nothing_else() {
    let targets = |params: [&str; 3]| {
        let entry = |(at, params): (usize, &str)| {
            format!("  - {{ model_name: a, litellm_params: {{ model: openai/m{at}, {params} }} }}\n")
        };
        let list: String = params.into_iter().enumerate().map(entry).collect();
        let yaml = import(&format!("model_list:\n{list}")).unwrap().yaml;
        yaml.lines().find(|line| line.contains("targets:")).unwrap().trim().to_owned()
    };
    assert_eq!(
        targets(["weight: 2, rpm: 9", "weight: 0", "weight: 1"]),
        "targets: [{ model: m0, weight: 2 }, { model: m2, weight: 1 }, m1]"
    );
    assert_eq!(
        targets(["tpm: 0.5", "tpm: 0.25", ""]),
        "targets: [{ model: m0, weight: 1000 }, { model: m1, weight: 500 }, m2]"
    );
    assert_eq!(
        targets(["", "order: 2", "order: 1"]),
        "targets: [m2, m1, m0]",
        "the lowest order is asked first, what has none last"
    );
    assert_eq!(
        targets(["rpm: 9e99", "rpm: -1", "weight: .nan"]),
        "targets: [{ model: m0, weight: 1000 }, m1, m2]"
    );
}

#[test]
fn what_is_no_configuration_is_refused_with_its_line() {
    let cases = [
        ("model_list: [\n", "config.yaml:2:1: did not find expected node content, while parsing a flow node"),
        ("- a\n", "config.yaml:1:1: expected a mapping with a `model_list`, found a list"),
        ("", "config.yaml:1:1: is not plain YAML"),
        ("a: 1\nb: { c: 2, c: 3 }\n", "config.yaml:2:12: a key is given twice in one mapping"),
        ("a: &a [*a]\n", "config.yaml"),
        ("a: *nobody\n", "config.yaml:1:4: unknown anchor"),
        ("a: !secret hush\n", "config.yaml"),
        ("{ ? [a]: 1 }\n", "config.yaml"),
        ("<<: 3\n", "`<<` takes a mapping"),
        ("model_list: []\n", "nothing could be carried over"),
        ("model_list: 3\n", "config.yaml:1: model_list: not carried over: it is a number, not a list."),
        ("include: [nowhere.yaml]\nmodel_list: []\n", "config.yaml:1:11: "),
    ];
    for (text, expected) in cases {
        let told = refusal(text);
        assert!(told.contains(expected) && !told.contains("hush"), "{text:?}: {told}");
    }
}

#[test]
fn deep_and_swollen_texts_are_refused() {
    let deep = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
    assert!(refusal(&deep).contains("nested deeper than 32 levels"), "{}", refusal(&deep));
    let mut swollen = "l0: &l0 [0,0,0,0,0,0,0,0,0,0]\n".to_owned();
    for level in 1..12 {
        let before = format!("*l{}", level - 1);
        swollen += &format!("l{level}: &l{level} [{}]\n", [before.as_str(); 10].join(","));
    }
    let told = refusal(&swollen);
    assert!(told.contains("holds more than 200000 values") || told.contains("repetition limit"), "{told}");
}

#[test]
fn a_file_from_standard_input_includes_nothing() {
    let text = format!("{MODELS}include: [parts/models.yaml]\n");
    let findings = litellm(&text, "standard input", None).unwrap().findings;
    assert!(
        told(&findings).contains("standard input:3: include[0]: not carried over"),
        "{}",
        told(&findings)
    );
}

/// A change to one line, at a place.
#[derive(Clone, Debug)]
enum Change {
    Drop,
    Double,
    Indent,
    Swap(Index),
}

fn changes() -> impl Strategy<Value = Vec<(Index, Change)>> {
    let change = prop_oneof![
        Just(Change::Drop),
        Just(Change::Double),
        Just(Change::Indent),
        any::<Index>().prop_map(Change::Swap)
    ];
    proptest::collection::vec((any::<Index>(), change), 1..6)
}

proptest! {
    /// Whatever is read, it is refused or becomes what `sidestep check` takes; no secret gets out.
    #[test]
    fn lines_in_disorder_never_panic_nor_tell(which in any::<Index>(), changes in changes()) {
        let corpus = corpus();
        let mut lines: Vec<String> = corpus[which.index(corpus.len())].1.lines().map(str::to_owned).collect();
        for (at, change) in changes {
            if lines.is_empty() { break; }
            let at = at.index(lines.len());
            match change {
                Change::Drop => drop(lines.remove(at)),
                Change::Double => lines.insert(at, lines[at].clone()),
                Change::Indent => lines[at].insert_str(0, "  "),
                Change::Swap(other) => { let other = other.index(lines.len()); lines.swap(at, other); }
            }
        }
        let shown = match import(&lines.join("\n")) {
            Ok(imported) => format!("{}{}", imported.yaml, told(&imported.findings)),
            Err(error) => {
                prop_assert!(!matches!(error, ImportError::Refused(_)), "{error}");
                error.to_string()
            }
        };
        prop_assert!(!shown.contains("verysecret"), "{shown}");
    }

    /// Any values at all where LiteLLM has some.
    #[test]
    fn any_values_make_something_that_is_valid_or_nothing(values in proptest::collection::vec(value(), 16)) {
        let [v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, va, vb, vc, vd, ve, vf] = <[String; 16]>::try_from(values).unwrap();
        let text = format!(
            "model_list:\n  - model_name: {v0}\n    litellm_params: {{ model: {v1}, api_key: {v2}, api_base: {v3}, weight: {v4}, \
             order: {v5}, timeout: {v6}, max_parallel_requests: {v7}, input_cost_per_token: {v8}, output_cost_per_token: {v8} }}\n    \
             model_info: {{ max_input_tokens: {v9}, mode: chat }}\n  - model_name: {va}\n    \
             litellm_params: {{ model: openai/m, api_key: {vb}, stream_timeout: {v6} }}\n\
             router_settings: {{ fallbacks: [{{ a: [{v0}, {va}] }}], allowed_fails: {vc}, cooldown_time: {vd}, timeout: {ve}, \
             num_retries: {vf}, model_group_alias: {{ b: {va}, openai: {v0} }} }}\n"
        );
        if let Err(error) = import(&text) {
            prop_assert!(!matches!(error, ImportError::Refused(_)), "{error}\n{text}");
        }
    }
}

/// A value as YAML: of the kinds that a configuration has, and others.
fn value() -> impl Strategy<Value = String> {
    let words = [
        "a",
        "openai",
        "anthropic",
        "openai/*",
        "anthropic/*",
        "\"*\"",
        "xai/m",
        "\"a-*\"",
        "openai/a-*",
        "azure/m",
        "true",
        "null",
        "[]",
        "{ model: a }",
        "os.environ/KEY",
        "os.environ/",
        "\"os.environ/A B\"",
        "http://h:1/v1/",
        "https://k@h/v1",
        "\"http://h/v1?k=v\"",
        "\"${HOME}\"",
        "\"x:#\\n\"",
        "0",
        "1",
        "3.5",
        "-1",
        "1e300",
        ".inf",
        ".nan",
        "99999999999999999999",
        "groq/m",
        "hosted_vllm/m",
        "no",
        "\"\\u2028\"",
        "gpt-6",
        "\"claude-ä\"",
    ];
    prop_oneof![
        8 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        1 => any::<f64>().prop_map(|number| format!("{number}")),
    ]
}
