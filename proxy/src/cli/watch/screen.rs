//! The terminal as a whole screen, given back as it was however the command ends.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::{Mutex, Once, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::mpsc;

use super::key::{Key, keys};
use super::line::Line;
use crate::cli::terminal::Paint;

/// The alternate screen, no cursor, and lines that do not wrap (xterm: DECSET 1049, 25, 7).
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l\u{1b}[2J";
/// All of it taken back, and the usual style.
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[0m\u{1b}[?1049l";
/// Keys that wait to be looked at.
const TYPED: usize = 64;

/// What has to be given back.
static BORROWED: Mutex<Option<Borrowed>> = Mutex::new(None);
static HOOK: Once = Once::new();

struct Borrowed {
    /// How keys were handled, if they come from a terminal.
    modes: Option<Termios>,
}

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// The screen, until it is dropped.
pub(super) struct Screen(());

impl Screen {
    /// Takes the terminal over.
    pub(super) fn enter() -> io::Result<Screen> {
        // A panic's words belong on the usual screen.
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                before(panic);
            }));
        });
        let modes = if io::stdin().is_terminal() { Some(tcgetattr(io::stdin())?) } else { None };
        if let Some(mut raw) = modes.clone() {
            let cooked = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
            raw.local_modes.remove(cooked);
            tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        }
        *BORROWED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Borrowed { modes });
        let screen = Screen(());
        write(ENTER)?;
        Ok(screen)
    }

    /// How large it is; as terminals used to be when it does not tell.
    pub(super) fn size() -> Size {
        let told = tcgetwinsize(io::stdout()).ok().filter(|told| told.ws_col > 0 && told.ws_row > 0);
        told.map_or(Size { columns: 80, rows: 24 }, |told| Size {
            columns: usize::from(told.ws_col),
            rows: usize::from(told.ws_row),
        })
    }

    /// Shows these lines and nothing else, in one write so that nothing flickers.
    pub(super) fn show(lines: &[Line], paint: Paint) -> io::Result<()> {
        let mut out = String::from("\u{1b}[H");
        for (number, line) in lines.iter().enumerate() {
            out += &format!("\u{1b}[{};1H{}\u{1b}[K", number + 1, line.render(paint));
        }
        out += "\u{1b}[J";
        write(&out)
    }

    /// Keys as they are typed. None ever come when standard input is no terminal.
    pub(super) fn keys() -> io::Result<mpsc::Receiver<Key>> {
        let (sender, receiver) = mpsc::channel(TYPED);
        if io::stdin().is_terminal() {
            // A thread of its own, for a read from a terminal cannot be given up; the process's end ends it.
            std::thread::Builder::new().name("keys".to_owned()).spawn(move || listen(&sender))?;
        }
        Ok(receiver)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn listen(sender: &mpsc::Sender<Key>) {
    let mut sent = [0; 256];
    while let Ok(length) = io::stdin().read(&mut sent) {
        let gone = keys(&sent[..length]).into_iter().any(|key| sender.blocking_send(key).is_err());
        if gone || length == 0 {
            return;
        }
    }
}

/// Gives the terminal back, once.
fn give_back() {
    let borrowed = BORROWED.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(borrowed) = borrowed else { return };
    // The terminal may be gone; then there is nothing to give back.
    write(LEAVE).ok();
    if let Some(modes) = borrowed.modes {
        tcsetattr(io::stdin(), OptionalActions::Now, &modes).ok();
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
