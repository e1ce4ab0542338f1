//! What the exit code of a command says, one after the other, as the README's table has them.

use std::process::{Output, Stdio};

use crate::{Process, binary};

const README: &str = include_str!("../../../README.md");

fn run(words: &[&str]) -> Output {
    let mut command = binary();
    command.args(words).env_remove("SIDESTEP_ADMIN_TOKEN").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.output().unwrap()
}

type Case<'a> = (i32, Vec<&'a str>, &'static str);

/// The code, what was typed, and a part of what is said.
fn cases(admin: &str) -> Vec<Case<'_>> {
    let nobody = "http://127.0.0.1:1";
    vec![
        (0, vec!["status", "--admin", admin], ""),
        (0, vec!["status", "--check", "--admin", admin], ""),
        (0, vec!["fault", "--admin", admin], ""),
        (0, vec!["incidents", "--admin", admin], ""),
        (0, vec!["completions", "bash"], ""),
        (2, vec!["status", "--check", "--watch", "--admin", admin], "--watch"),
        (2, vec!["status", "--admin", "ftp://x"], "is no admin address"),
        (2, vec!["fault", "opus", "--admin", admin], "say what happens there"),
        (2, vec!["fault", "--hang", "--admin", admin], "say where"),
        (2, vec!["fault", "opus", "--hang", "--reset", "--admin", admin], "cannot be used with"),
        (2, vec!["fault", "opus", "--retry-after", "5", "--admin", admin], "--status"),
        (3, vec!["status", "--admin", nobody], "Is sidestep running?"),
        (3, vec!["status", "--check", "--admin", nobody], "Is sidestep running?"),
        (3, vec!["disable", "opus", "--admin", nobody], "Is sidestep running?"),
        (3, vec!["enable", "opus", "--admin", nobody], "Is sidestep running?"),
        (3, vec!["fault", "opus", "--hang", "--admin", nobody], "Is sidestep running?"),
        (3, vec!["incidents", "--admin", nobody], "Is sidestep running?"),
        (4, vec!["disable", "opsu", "--admin", admin], "did you mean `opus`"),
        (4, vec!["enable", "opus", "--admin", admin], "there is no switch"),
        (4, vec!["disable", "opus", "--admin", admin, "--token", "wrong"], "has none configured"),
        (4, vec!["fault", "opsu", "--hang", "--for", "5s", "--admin", admin], "did you mean `opus`"),
        (4, vec!["fault", "opus", "--hang", "--for", "2m", "--admin", admin], "faults.max_duration"),
        (
            4,
            vec!["fault", "opus", "--hang", "--for", "5s", "--rate", "0.9", "--admin", admin],
            "faults.max_rate",
        ),
        (4, vec!["fault", "--clear", "--admin", admin], "no rehearsal is in force"),
        (4, vec!["incidents", "none", "--admin", admin], "no such incident"),
        // An operator's wish is no illness, until nobody is left.
        (0, vec!["disable", "anthropic", "--admin", admin], ""),
        (0, vec!["status", "--check", "--admin", admin], ""),
        (0, vec!["disable", "openai", "--admin", admin], ""),
        (5, vec!["status", "--check", "--admin", admin], "nobody can answer claude-*"),
        (5, vec!["status", "--check", "--json", "--admin", admin], "nobody can answer claude-*"),
    ]
}

#[tokio::test]
async fn each_code_of_the_table_has_its_case_and_its_words() {
    let sections = "log: { format: json }\nfaults: { allow: true, max_duration: 1m }";
    let process = Process::start(sections).await;
    let admin = process.application.admin.to_string();
    for (code, words, told) in cases(&admin) {
        let output = run(&words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {error}");
        assert!(error.contains(told) && error.is_empty() == (code == 0), "{words:?}: {error}");
        assert!(README.contains(&format!("\n| {code} | ")), "{code} is in the README");
    }
}
