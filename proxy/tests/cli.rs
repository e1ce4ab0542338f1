//! The binary itself, in front of a real admin side.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers, too")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use sidestep::app::App;
use sidestep::config::{Config, Source, Variables};
use sidestep_table::{Topology, Verdict};

const TOKEN: &str = "correct horse";

const CONFIG: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0, token: "correct horse" }
providers:
  anthropic: { base_url: "http://127.0.0.1:9/v1", api_key: test }
  openai: { base_url: "http://127.0.0.1:9/v1", api_key: test }
models:
  org.opus: { provider: anthropic, model: claude-opus-5-5 }
  gpt: { provider: openai, model: gpt-6.1-sol }
routes:
  - { match: "claude-*", targets: [org.opus, gpt] }
probes: { enabled: false }
"#;

/// Runs the binary to its end, without anything from this process's environment that it reads.
fn sidestep(words: &[&str]) -> Output {
    command(words).output().unwrap()
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestep"));
    command.args(words).env_remove("SIDESTEP_ADMIN_TOKEN").env("USER", "ada").stdin(Stdio::null());
    command
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

async fn admin_side() -> (SocketAddr, Arc<Topology>) {
    let (source, variables) = (Source::Builtin("test"), Variables::default());
    let app = App::start(Config::parse(CONFIG, &source, &variables).unwrap()).await.unwrap();
    (app.admin_address, app.foundation.catalog.load().topology.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_takes_a_model_out_looks_and_brings_it_back() {
    let (addr, topology) = admin_side().await;
    let url = format!("http://{addr}");
    let verdict = || topology[topology.model("org.opus").unwrap()].cell.standing().verdict;

    let words = ["disable", "org.opus", "--for", "30m", "--reason", "529s", "--admin", &url];
    let done = sidestep(&words);
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert!(out(&done).starts_with("org.opus is disabled for 30m (529s).\n"), "{}", out(&done));
    assert!(out(&done).contains("A restart forgets it"), "no state folder is configured");
    assert_eq!(verdict(), Verdict::Disabled);

    // `host:port` will do, too.
    let looked = sidestep(&["status", "--admin", &addr.to_string()]);
    assert_eq!(code(&looked), 0, "{}", err(&looked));
    let table = out(&looked);
    assert!(table.starts_with("MODEL"), "{table}");
    let line = table.lines().find(|line| line.starts_with("org.opus")).unwrap();
    assert!(line.contains("disabled") && line.contains("by ada@") && line.ends_with(": 529s"), "{line}");
    assert!(table.contains("left: 529s") && table.contains("claude-* → gpt, (org.opus)"), "{table}");
    assert!(!table.contains('\u{1b}'), "no colours into a pipe");

    let looked = sidestep(&["status", "--json", "--admin", &url]);
    let json: serde_json::Value = serde_json::from_str(&out(&looked)).unwrap();
    assert_eq!(json["switches"][0]["subject"], "org.opus");

    // A shell that asks for names that begin with `an` and with `or`; tests/completions has real ones.
    for (typed, name) in
        [("an", "anthropic\tprovider, healthy"), ("or", "org.opus\tmodel at anthropic, disabled")]
    {
        let mut shell = command(&["--", "sidestep", "enable", "--admin", &url, typed]);
        let offered = shell.env("SIDESTEP_COMPLETE", "fish").output().unwrap();
        assert_eq!((out(&offered).trim(), code(&offered)), (name, 0), "{}", err(&offered));
    }

    let lifted = sidestep(&["enable", "org.opus", "--admin", &url]);
    assert_eq!((code(&lifted), verdict()), (0, Verdict::Healthy), "{}", err(&lifted));
    let again = sidestep(&["enable", "org.opus", "--admin", &url]);
    assert_eq!(code(&again), 4);
    assert!(err(&again).contains("there is no switch on model `org.opus`"), "{}", err(&again));

    let pinned = sidestep(&["enable", "anthropic", "--pin", "--for", "90s", "--admin", &url]);
    assert_eq!(code(&pinned), 0, "{}", err(&pinned));
    assert!(out(&pinned).starts_with("anthropic is kept in full service for 1m30s"), "{}", out(&pinned));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_is_wrong_and_what_to_do() {
    let (addr, topology) = admin_side().await;
    let url = format!("http://{addr}");

    let unknown = sidestep(&["disable", "antropic", "--admin", &url]);
    assert_eq!(code(&unknown), 4);
    assert!(
        err(&unknown)
            .contains("no provider or model `antropic`, did you mean `anthropic`; there are `anthropic`"),
        "{}",
        err(&unknown)
    );

    let wrong = sidestep(&["disable", "gpt", "--admin", &url, "--token", "wrong"]);
    assert_eq!(code(&wrong), 4);
    assert!(err(&wrong).contains("the bearer token is wrong\nGive the token"), "{}", err(&wrong));
    assert_eq!(topology[topology.model("gpt").unwrap()].cell.standing().verdict, Verdict::Healthy);
    let right =
        command(&["disable", "gpt", "--admin", &url]).env("SIDESTEP_ADMIN_TOKEN", TOKEN).output().unwrap();
    assert_eq!(code(&right), 0, "{}", err(&right));

    let free = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = sidestep(&["status", "--admin", &format!("http://{free}")]);
    assert_eq!(code(&nobody), 3);
    assert!(
        err(&nobody).contains("refused") && err(&nobody).contains("Is sidestep running?"),
        "{}",
        err(&nobody)
    );

    for (words, why) in [
        (&["status", "--admin", "https://127.0.0.1:1"][..], "is no admin address"),
        (&["status", "--admin", "http://127.0.0.1:1/path"], "is no admin address"),
        (&["disable", "x", "--for", "5y"], "90s, 30m, 1h30m or 2d"),
        (&["disable"], "<NAME>"),
        (&["enable", "x", "--for", "5m"], "--pin"),
        (&["simulate", "--tokens-per-second", "-1"], "must be 0 or more"),
        (&["explode"], "explode"),
        (&[], "Usage"),
    ] {
        let output = sidestep(words);
        assert_eq!(code(&output), 2, "{words:?}: {}", err(&output));
        assert!(err(&output).contains(why), "{words:?}: {}", err(&output));
    }
}

#[test]
fn what_is_no_admin_side_is_told_from_one() {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
        });
        let strange = sidestep(&["status", "--admin", &format!("http://{addr}")]);
        assert_eq!(code(&strange), 3);
        assert!(err(&strange).contains("is no Sidestep admin side"), "{}", err(&strange));
    });
}

#[test]
fn help_and_completions_are_there() {
    let help = sidestep(&["--help"]);
    assert_eq!(code(&help), 0);
    assert!(out(&help).contains("sidestep disable anthropic --for 30m"), "{}", out(&help));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sidestep(&["completions", shell]);
        assert_eq!(code(&script), 0);
        assert!(out(&script).contains("SIDESTEP_COMPLETE"), "{shell}");
    }
    // A reader that goes away early, like `head`, is no failure.
    let mut child = command(&["completions", "zsh"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_rehearsal_configuration_is_a_configuration() {
    let printed = sidestep(&["simulate", "--print-config", "--listen", "127.0.0.1:9000"]);
    assert_eq!(code(&printed), 0);
    let (source, variables) = (Source::File("rehearsal.yaml".into()), Variables::of_process());
    let config = Config::parse(&out(&printed), &source, &variables).unwrap();
    assert_eq!((config.providers.len(), config.routes.len()), (3, 3));
    assert_eq!(config.warnings, Vec::<String>::new());
    assert!(out(&printed).contains("http://127.0.0.1:9003/v1"), "{}", out(&printed));
    let refused = sidestep(&["simulate", "--print-config", "--listen", "127.0.0.1:65533"]);
    assert_eq!(code(&refused), 2, "{}", err(&refused));
}

#[cfg(unix)]
#[test]
fn simulated_providers_answer_fail_on_cue_and_end_when_told() {
    let words = ["simulate", "--listen", "127.0.0.1:0", "--first-token", "0", "--tokens-per-second", "0"];
    let mut child = Leashed(command(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let told: Vec<_> = (0..4).map(|_| lines.next().unwrap().unwrap()).collect();
    let addr = |line: &str| -> SocketAddr {
        line.split_once("http://").unwrap().1.split('/').next().unwrap().parse().unwrap()
    };
    let (anthropic, control) = (addr(&told[0]), addr(&told[3]));
    assert!(told[0].starts_with("anthropic") && told[0].contains("claude-opus-5-5"), "{told:?}");

    let body = r#"{"model":"claude-opus-5-5","max_tokens":50,"messages":[{"role":"user","content":"hi"}]}"#;
    let ask = || {
        let head = "x-api-key: any\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n";
        exchange(anthropic, "POST /v1/messages", head, body)
    };
    assert!(ask().starts_with("HTTP/1.1 200"), "{}", ask());
    let fault = r#"{"fault":"status","status":529,"rate":1.0}"#;
    let set = exchange(control, "PUT /__simulate/anthropic/faults/claude-opus-5-5", "", fault);
    assert!(set.starts_with("HTTP/1.1 200"), "{set}");
    assert!(ask().starts_with("HTTP/1.1 529"), "{}", ask());

    let killed = Command::new("kill").arg(child.0.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.0.wait().unwrap().code(), Some(0), "SIGTERM is the normal end");
}

#[cfg(unix)]
#[test]
fn unreadable_switches_stop_the_start_unless_they_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("switches.json");
    let file = folder.path().join("sidestep.yaml");
    let state = folder.path().display();
    let config = format!(
        "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\nstate: {state}\nprobes: {{ enabled: false }}\n\
         providers:\n  openai: {{ base_url: \"http://127.0.0.1:9/v1\", api_key: k }}\n\
         models:\n  gpt: {{ provider: openai, model: gpt-6.1-sol }}\n\
         routes:\n  - match: \"*\"\n    targets: [gpt]\n    single_provider: true\n"
    );
    std::fs::write(&file, config).unwrap();
    std::fs::write(&kept, "oops").unwrap();
    let file = file.to_str().unwrap();

    let refused = sidestep(&["run", file]);
    assert_eq!(code(&refused), 1);
    assert!(err(&refused).contains("--forget-switches"), "{}", err(&refused));
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "oops", "left as it was");

    let mut run = command(&["run", "--forget-switches", file]);
    let mut child = Leashed(run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("serving")), "it never served");
    assert!(!kept.exists());
    assert_eq!(std::fs::read_to_string(kept.with_extension("json.forgotten")).unwrap(), "oops");
    let killed = Command::new("kill").arg(child.0.id().to_string()).status().unwrap();
    assert!(killed.success());
    lines.for_each(drop);
    assert_eq!(child.0.wait().unwrap().code(), Some(0), "SIGTERM is the normal end");
}

/// A child that does not outlive a failed test.
#[cfg(unix)]
struct Leashed(std::process::Child);

#[cfg(unix)]
impl Drop for Leashed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[cfg(unix)]
fn exchange(addr: SocketAddr, line: &str, head: &str, body: &str) -> String {
    let mut stream = std::net::TcpStream::connect(addr).unwrap();
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}content-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
