//! What the exit code of a command says, one after the other, as the README's table has them.

use std::process::{Output, Stdio};

use crate::{Process, binary};

const README: &str = include_str!("../../../README.md");

fn run(words: &[&str]) -> Output {
    let mut command = binary();
    command.args(words).env_remove("SIDESTEP_ADMIN_TOKEN").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.output().unwrap()
}

#[tokio::test]
async fn each_code_of_the_table_has_its_case_and_its_words() {
    let sections = "log: { format: json }\nfaults: { allow: true, max_duration: 1m }";
    let process = Process::start(sections).await;
    let admin = &*process.application.admin.to_string();
    let nobody = "http://127.0.0.1:1";
    let cases: &[(i32, &[&str], &str)] = &[
        (0, &["status", "--admin", admin], ""),
        (0, &["status", "--check", "--admin", admin], ""),
        (0, &["fault", "--admin", admin], ""),
        (0, &["incidents", "--admin", admin], ""),
        (0, &["completions", "bash"], ""),
        (2, &["status", "--check", "--watch", "--admin", admin], "--watch"),
        (2, &["status", "--admin", "ftp://x"], "is no admin address"),
        (2, &["fault", "opus", "--admin", admin], "say what happens there"),
        (2, &["fault", "--hang", "--admin", admin], "say where"),
        (2, &["fault", "opus", "--hang", "--reset", "--admin", admin], "cannot be used with"),
        (2, &["fault", "opus", "--retry-after", "5", "--admin", admin], "--status"),
        (3, &["status", "--admin", nobody], "Is sidestep running?"),
        (3, &["status", "--check", "--admin", nobody], "Is sidestep running?"),
        (3, &["disable", "opus", "--admin", nobody], "Is sidestep running?"),
        (3, &["enable", "opus", "--admin", nobody], "Is sidestep running?"),
        (3, &["fault", "opus", "--hang", "--admin", nobody], "Is sidestep running?"),
        (3, &["incidents", "--admin", nobody], "Is sidestep running?"),
        (4, &["disable", "opsu", "--admin", admin], "did you mean `opus`"),
        (4, &["enable", "opus", "--admin", admin], "there is no switch"),
        (4, &["disable", "opus", "--admin", admin, "--token", "wrong"], "has none configured"),
        (4, &["fault", "opsu", "--hang", "--for", "5s", "--admin", admin], "did you mean `opus`"),
        (4, &["fault", "opus", "--hang", "--for", "2m", "--admin", admin], "faults.max_duration"),
        (
            4,
            &["fault", "opus", "--hang", "--for", "5s", "--rate", "0.9", "--admin", admin],
            "faults.max_rate",
        ),
        (4, &["fault", "--clear", "--admin", admin], "no rehearsal is in force"),
        (4, &["incidents", "none", "--admin", admin], "no such incident"),
        // An operator's wish is no illness, until nobody is left.
        (0, &["disable", "anthropic", "--admin", admin], ""),
        (0, &["status", "--check", "--admin", admin], ""),
        (0, &["disable", "openai", "--admin", admin], ""),
        (5, &["status", "--check", "--admin", admin], "nobody can answer claude-*"),
        (5, &["status", "--check", "--json", "--admin", admin], "nobody can answer claude-*"),
    ];
    for (code, words, told) in cases {
        let output = run(words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{words:?}: {error}");
        assert!(error.contains(told) && error.is_empty() == (*code == 0), "{words:?}: {error}");
        assert!(README.contains(&format!("\n| {code} | ")), "{code} is in the README");
    }
}
