use tokio::io::BufReader;
use tokio::time::timeout;

use super::*;
use crate::admin::live::{SILENCE, STREAMS};
use crate::journal::Kind;

/// Longer than anything here takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A reader of `/events`.
struct Follower {
    lines: BufReader<TcpStream>,
    head: String,
}

/// One event.
#[derive(Debug, Default)]
struct Heard {
    name: String,
    id: String,
    data: String,
}

impl Follower {
    async fn open(rig: &Rig, headers: &[&str]) -> Self {
        let mut stream = TcpStream::connect(rig.addr).await.unwrap();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let request = format!("GET /events HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut follower = Self { lines: BufReader::new(stream), head: String::new() };
        while !follower.head.ends_with("\r\n\r\n") {
            let line = follower.line().await.unwrap();
            follower.head += &line;
        }
        follower
    }

    /// The next line with its end; `None` at the end.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::io::AsyncBufReadExt::read_line(&mut self.lines, &mut line);
        let read = timeout(PATIENCE, read).await.expect("a line in time");
        (read.unwrap_or(0) > 0).then_some(line)
    }

    async fn event(&mut self) -> Option<Heard> {
        let mut heard = Heard::default();
        loop {
            // Lines that hold sizes of chunks are no fields.
            let line = self.line().await?;
            match line.trim_end().split_once(": ") {
                Some(("event", name)) => heard.name = name.to_owned(),
                Some(("id", id)) => heard.id = id.to_owned(),
                Some(("data", data)) => heard.data = data.to_owned(),
                _ if line == "\n" && !heard.name.is_empty() => return Some(heard),
                _ => {}
            }
        }
    }

    async fn next(&mut self, name: &str) -> Heard {
        loop {
            let heard = self.event().await.expect("the stream goes on");
            if heard.name == name {
                return heard;
            }
        }
    }
}

impl Heard {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

#[tokio::test]
async fn what_changes_is_told_as_it_changes() {
    let rig = Rig::start(None).await;
    let mut follower = Follower::open(&rig, &[]).await;
    assert!(follower.head.contains("content-type: text/event-stream"), "{}", follower.head);
    assert!(follower.head.contains("cache-control: no-store"));
    let status = follower.next("status").await.json();
    assert_eq!(status["models"][0]["verdict"], "healthy");
    assert!(status.get("events").is_none(), "entries are events of their own");
    rig.disable("opus").await;
    rig.admin.journal.note(Kind::Switch, "opus", "line one\nline two");
    let entry = follower.next("entry").await;
    assert_eq!((entry.id.as_str(), &entry.json()["why"]), ("1-1", &"line one\nline two".into()));
    assert_eq!(follower.next("status").await.json()["models"][0]["verdict"], "disabled");
    rig.stop().await;
}

#[tokio::test]
async fn a_reader_who_comes_back_gets_what_it_missed_and_a_new_one_all_that_is_kept() {
    let rig = Rig::start(None).await;
    for number in 1..=5 {
        rig.admin.journal.note(Kind::Process, "test", &number.to_string());
    }
    // The last two: of the process before, whose numbers say nothing here, and of none.
    for (last, first) in [(None, 1), (Some("1-3"), 4), (Some("1-900"), 1), (Some("7-3"), 1), (Some("x"), 1)] {
        let header = last.map(|id| format!("last-event-id: {id}"));
        let headers: Vec<_> = header.iter().map(String::as_str).collect();
        let mut follower = Follower::open(&rig, &headers).await;
        for number in first..=5 {
            let entry = follower.next("entry").await;
            assert_eq!(entry.json()["why"], number.to_string(), "after {last:?}");
        }
    }
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_gives_a_sign_of_life() {
    let rig = Rig::start(None).await;
    let mut follower = Follower::open(&rig, &[]).await;
    follower.next("status").await;
    let began = tokio::time::Instant::now();
    follower.next("status").await;
    let passed = began.elapsed();
    assert!((SILENCE..SILENCE * 2).contains(&passed), "nothing changed for {passed:?}");
    rig.stop().await;
}

#[tokio::test]
async fn there_is_room_for_so_many_and_places_become_free() {
    let rig = Rig::start(None).await;
    let mut followers = Vec::new();
    for _ in 0..STREAMS {
        followers.push(Follower::open(&rig, &[]).await);
    }
    let refused = Follower::open(&rig, &["connection: close"]).await;
    assert!(
        refused.head.starts_with("HTTP/1.1 503") && refused.head.contains("retry-after: 5"),
        "{}",
        refused.head
    );
    assert_eq!(rig.get("/status").await.status, 200, "others are answered");
    let head = rig.ask("HEAD", "/events", &[], "").await;
    assert_eq!(head.status, 503);
    followers.pop();
    let admitted = timeout(PATIENCE, async {
        while !Follower::open(&rig, &["connection: close"]).await.head.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    admitted.await.expect("the place of one who left is free");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_stops_reading_is_dropped() {
    let rig = Rig::start(None).await;
    let mut follower = Follower::open(&rig, &[]).await;
    follower.next("status").await;
    let room = || rig.admin.live.room();
    assert_eq!(room(), STREAMS - 1);
    // More than the system's buffers take in.
    let word = "x".repeat(1 << 20);
    for _ in 0..64 {
        rig.admin.journal.note(Kind::Process, "test", &word);
    }
    let dropped = timeout(PATIENCE, async {
        while room() < STREAMS {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    dropped.await.expect("the place is free again");
    drop(follower);
    rig.stop().await;
}

#[tokio::test]
async fn the_end_of_the_process_ends_every_stream() {
    let rig = Rig::start(None).await;
    let mut follower = Follower::open(&rig, &[]).await;
    follower.next("status").await;
    rig.stop().await;
    while follower.event().await.is_some() {}
}

#[tokio::test]
async fn a_page_for_browsers_and_an_index_for_everybody_else() {
    let rig = Rig::start(None).await;
    rig.admin.journal.note(Kind::Process, "</script><script>alert(1)</script>", "hostile");
    let accept = "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = rig.ask("GET", "/", &[accept], "").await;
    assert_eq!(page.status, 200);
    for header in [
        "content-type: text/html; charset=utf-8",
        "content-security-policy: default-src 'none';",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        assert!(page.head.contains(header), "{header} is missing in {}", page.head);
    }
    assert!(!page.body.contains("<script>alert"), "data stays data");
    let (_, state) = page.body.split_once("id=\"state\">").unwrap();
    let state: Value = serde_json::from_str(state.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(state["status"]["models"][0]["id"], "opus");
    assert_eq!(state["history"]["step_seconds"], 5);
    assert_eq!(state["changeable"], true);
    assert!(!page.body.contains("correct horse"));
    for (kind, content) in
        [("*/*", "text/plain"), ("application/json", "text/plain"), ("text/htmlx", "text/plain")]
    {
        let got = rig.ask("GET", "/", &[&format!("accept: {kind}")], "").await;
        assert!(got.head.contains(content), "{kind}: {}", got.head);
    }
    for name in page.body.split("\"/page/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert_eq!(rig.get(&format!("/page/{name}")).await.status, 200, "{name}");
    }
    assert_eq!(rig.get("/page/../status").await.status, 404);
    assert_eq!(rig.get("/history").await.json()["step_seconds"], 5);
    rig.stop().await;
}

#[tokio::test]
async fn a_name_that_leads_here_by_somebody_elses_word_gets_nothing() {
    let rig = Rig::start(None).await;
    for path in ["/", "/status", "/events", "/history", "/switches", "/metrics"] {
        let asked = format!("GET {path} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
        assert_eq!(rig.send(asked.as_bytes()).await.status, 421, "{path}");
    }
    let got = rig.send(b"GET /readyz HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n").await;
    assert_eq!(got.status, 200);
    rig.stop().await;
}
