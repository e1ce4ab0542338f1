//! `sidestep status --watch` on a terminal: a pseudo-terminal with somebody at it.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::support::eventually;
use crate::{Process, binary};

/// A terminal and the watch that runs in it.
struct Desk {
    child: Child,
    keyboard: File,
    terminal: File,
    /// Everything that was sent to the screen.
    sent: Arc<Mutex<String>>,
}

impl Desk {
    fn watching(process: &Process, columns: u16, rows: u16) -> Desk {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let terminal = File::options().read(true).write(true).open(name).unwrap();
        resize(&terminal, columns, rows);
        let keyboard = File::from(keyboard);
        let mut screen = keyboard.try_clone().unwrap();
        let sent: Arc<Mutex<String>> = Arc::default();
        let log = sent.clone();
        thread::spawn(move || {
            let (mut bytes, mut all) = ([0; 4096], Vec::new());
            while let Ok(length @ 1..) = screen.read(&mut bytes) {
                all.extend_from_slice(&bytes[..length]);
                *log.lock().unwrap() = String::from_utf8_lossy(&all).into_owned();
            }
        });
        let admin = format!("http://{}", process.application.admin);
        let mut command = binary();
        command.args(["status", "--watch", "1", "--admin", &admin]);
        command.env("USER", "ada").env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
        let side = || Stdio::from(terminal.try_clone().unwrap());
        let child = command.stdin(side()).stdout(side()).spawn().unwrap();
        Desk { child, keyboard, terminal, sent }
    }

    /// What is on the screen, its lines from the top: each frame begins at the top left and is shown whole.
    fn lines(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let Some((before, _)) = sent.rsplit_once("\u{1b}[J") else { return Vec::new() };
        let frame = before.rsplit_once("\u{1b}[H").unwrap().1;
        let plain = frame.split("\u{1b}[K").map(|line| {
            let spans =
                line.split('\u{1b}').map(|span| span.split_once(['m', 'H']).map_or(span, |cut| cut.1));
            spans.collect::<String>().trim_end().to_owned()
        });
        plain.collect()
    }

    async fn shows(&self, what: &str) {
        let sees = async || self.lines().iter().any(|line| line.contains(what));
        eventually(&format!("the screen shows {what:?}"), sees).await;
    }

    fn type_in(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end, and looks whether the terminal is as it was.
    async fn ends_well(mut self) {
        let mut status = None;
        eventually("the watch has ended", || {
            status = self.child.try_wait().unwrap();
            std::future::ready(status.is_some())
        })
        .await;
        assert_eq!(status.unwrap().code(), Some(0));
        let modes = tcgetattr(&self.terminal).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{modes:?}");
        let left = || self.sent.lock().unwrap().ends_with("\u{1b}[?7h\u{1b}[?25h\u{1b}[0m\u{1b}[?1049l");
        eventually("the screen is given back", async || left()).await;
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Only if the test has failed before its end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn resize(terminal: &File, columns: u16, rows: u16) {
    let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).unwrap();
}

#[tokio::test]
async fn somebody_watches_and_takes_a_model_out() {
    let mut process = Process::start("log: { format: json }\nfaults: { allow: true }").await;
    let mut desk = Desk::watching(&process, 80, 24);
    desk.shows("All is well: 2 of 2 models take calls.").await;
    assert_eq!(desk.lines().len(), 25, "24 lines, and nothing after the last");
    assert!(desk.sent.lock().unwrap().starts_with("\u{1b}[?1049h"));

    // No terminal sends the signal here, for it is nobody's controlling terminal.
    resize(&desk.terminal, 200, 60);
    desk.signal("-WINCH");
    desk.shows("WHY").await;
    assert_eq!(desk.lines().len(), 61);

    desk.type_in("\u{1b}[Bd");
    desk.shows("Disable model gpt until it is enabled again? y/n").await;
    assert_eq!(process.application.standing("gpt").await["verdict"], "healthy");
    desk.type_in("y");
    desk.shows("gpt is disabled by ada@").await;
    assert_eq!(process.application.standing("gpt").await["verdict"], "disabled");
    desk.type_in("ey");
    desk.shows("All is well: 2 of 2").await;
    assert_eq!(process.application.standing("gpt").await["verdict"], "healthy");

    let address = process.application.admin.to_string();
    let rehearse = ["fault", "opus", "--reset", "--rate", "0.5", "--reason", "game day", "--admin", &address];
    assert!(binary().args(rehearse).status().unwrap().success());
    desk.shows("REHEARSAL on model opus: connection refused for 50 % of attempts").await;

    process.terminate();
    process.ended().await;
    desk.shows("cannot reach").await;
    assert!(desk.lines().iter().any(|line| line.contains("opus")), "what was known last is still there");
    desk.type_in("q");
    desk.ends_well().await;
}

#[tokio::test]
async fn however_it_ends_the_terminal_is_given_back() {
    let process = Process::start("log: { format: json }").await;
    for end in ["\u{3}", "-TERM", "-INT", "-HUP"] {
        let mut desk = Desk::watching(&process, 80, 24);
        desk.shows("All is well").await;
        if end.starts_with('-') {
            desk.signal(end)
        } else {
            desk.type_in(end)
        }
        desk.ends_well().await;
    }
}
