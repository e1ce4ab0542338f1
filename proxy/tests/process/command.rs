//! How `check` and `run` end when something is wrong from the start.

use std::net::TcpListener;
use std::process::{Output, Stdio};

use crate::{CONFIG, binary};

/// Runs it to its end with `config` as its file.
fn sidestep(command: &str, config: &str) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sidestep.yaml");
    std::fs::write(&file, config).unwrap();
    let mut process = binary();
    process.args([command.as_ref(), file.as_os_str()]).env_remove("FIRST_KEY").env_remove("SECOND_KEY");
    let output = process.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let text =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    (output, text)
}

fn valid() -> String {
    CONFIG.replace("{anthropic}", "http://127.0.0.1:9").replace("{openai}", "http://127.0.0.1:9")
}

#[test]
fn check_tells_by_its_exit_code_and_says_where() {
    let (output, text) = sidestep("check", &valid());
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("claude-*") && text.contains("key MISSING"), "{text}");
    for (wrong, place, word) in [
        (valid().replace("targets: [opus, gpt]", "targets: [opus, gtp]"), ":11:", "gpt"),
        (valid().replace("probes:", "probe:"), ":12:", "probes"),
        (valid().replace("targets: [opus, gpt]", "targets: [opus]"), ":11:", "provider"),
        (valid().replace("models:", "models: ["), ":", ""),
    ] {
        for command in ["check", "run"] {
            let (output, text) = sidestep(command, &wrong);
            assert_eq!(output.status.code(), Some(2), "{command}: {text}");
            assert!(
                text.contains(&format!("sidestep.yaml{place}")) && text.contains(word),
                "{command}: {text}"
            );
        }
    }
    for command in ["check", "run"] {
        let mut process = binary();
        let output =
            process.args([command, "/nowhere/sidestep.yaml"]).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/sidestep.yaml"));
    }
}

#[test]
fn run_names_the_port_that_is_taken_and_the_key_that_asks_for_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (key, config) in [
        ("listen", valid().replacen("listen: 127.0.0.1:0", &format!("listen: {address}"), 1)),
        ("admin.listen", valid().replacen("{ listen: 127.0.0.1:0 }", &format!("{{ listen: {address} }}"), 1)),
    ] {
        let (output, text) = sidestep("run", &config);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(&format!("cannot listen on {address} ({key})")), "{text}");
        assert!(text.contains("in use"), "{text}");
    }
}

/// Built with the feature, it does; that is tried where it is built so.
#[cfg(not(feature = "otel"))]
#[test]
fn traces_are_refused_by_a_program_that_cannot_send_them() {
    let config = format!("{}telemetry: {{ endpoint: \"http://otel:4318\" }}\n", valid());
    for command in ["check", "run"] {
        let (output, text) = sidestep(command, &config);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("built without OpenTelemetry") && text.contains("feature `otel`"), "{text}");
    }
    let version = binary().arg("--version").stdout(Stdio::piped()).output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).trim_end().ends_with("(without otel)"));
    assert!(sidestep("check", &valid()).1.contains("Traces: none, this program is built without"));
}
