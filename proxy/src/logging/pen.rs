//! Writes lines on a thread of its own. Whoever reads standard error may stop to read: then a pipe fills up, and who
//! writes to it waits. No call may wait for that, so lines are lost and counted instead.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines that wait to be written at most.
const WAITING: usize = 8192;
/// Longest time that the end of a process waits for its last lines, in two halves.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks whether there is room.
const LOOK: Duration = Duration::from_millis(10);

static LOST: AtomicU64 = AtomicU64::new(0);

/// Takes lines. Clones write to the same place.
#[derive(Clone)]
pub(super) struct Pen {
    lines: SyncSender<Message>,
}

enum Message {
    Line(Vec<u8>),
    /// Everything before it is written.
    Flush(SyncSender<()>),
}

impl Pen {
    /// Writes to `to` from now on.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Pen> {
        let (lines, waiting) = sync_channel(WAITING);
        thread::Builder::new().name("log".to_owned()).spawn(move || write(to, &waiting))?;
        Ok(Pen { lines })
    }

    /// Waits until what was logged is written, but not for a reader that does not read.
    pub(super) fn flush(&self) {
        let (done, is_done) = sync_channel(1);
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            match self.lines.try_send(Message::Flush(done.clone())) {
                Err(TrySendError::Full(_)) => is_done.recv_timeout(LOOK).unwrap_or_default(),
                Ok(()) | Err(TrySendError::Disconnected(_)) => break,
            }
        }
        is_done.recv_timeout(PATIENCE).ok();
    }
}

impl Write for Pen {
    /// One line: whoever formats them hands over each as a whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Message::Line(line.to_vec())).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many lines were lost since this was asked last.
pub(super) fn lost() -> u64 {
    LOST.swap(0, Ordering::Relaxed)
}

fn write(mut to: impl Write, waiting: &Receiver<Message>) {
    while let Ok(message) = waiting.recv() {
        match message {
            // Where nobody listens any more, nothing can be said about it either.
            Message::Line(line) => drop(to.write_all(&line)),
            Message::Flush(done) => {
                drop(to.flush().and_then(|()| done.try_send(()).map_err(io::Error::other)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_stops_costs_lines_and_no_time() {
        let (reader, writer) = io::pipe().unwrap();
        let mut pen = Pen::start(writer).unwrap();
        let line = [b'x'; 1024];
        // More than waits and what a pipe takes together.
        for _ in 0..WAITING + 1024 {
            pen.write_all(&line).unwrap();
        }
        pen.flush();
        assert!(lost() >= 1024 - 128, "the queue has no bound, or the pipe takes all");
        drop(reader);
    }

    #[test]
    fn what_was_logged_is_written_before_the_end() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut pen = Pen::start(writer).unwrap();
        for number in 0..1000 {
            pen.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        pen.flush();
        drop(pen);
        let mut text = String::new();
        io::Read::read_to_string(&mut reader, &mut text).unwrap();
        assert!(text.starts_with("0\n1\n") && text.ends_with("\n999\n"), "{text}");
    }
}
