//! What was typed.

/// A key that does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Up,
    Down,
    PageUp,
    PageDown,
    Letter(char),
    Escape,
}

/// The keys in what a terminal sent at once (ECMA-48: CSI; xterm's cursor and page keys).
pub(super) fn keys(sent: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = sent;
    while let Some((first, tail)) = rest.split_first() {
        let (key, left) = match first {
            // Ctrl-C and Ctrl-D: in raw mode nobody else reads them.
            3 | 4 => (Some(Key::Quit), tail),
            0x1b => sequence(tail),
            b'k' => (Some(Key::Up), tail),
            b'j' => (Some(Key::Down), tail),
            letter if letter.is_ascii_graphic() => (Some(Key::Letter(char::from(*letter))), tail),
            _ => (None, tail),
        };
        keys.extend(key);
        rest = left;
    }
    keys
}

/// What follows an escape: a sequence, known or not, is taken whole.
fn sequence(rest: &[u8]) -> (Option<Key>, &[u8]) {
    let Some((b'[' | b'O', rest)) = rest.split_first() else { return (Some(Key::Escape), rest) };
    let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte));
    let (sequence, rest) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
    let key = match sequence {
        b"A" => Some(Key::Up),
        b"B" => Some(Key::Down),
        b"5~" => Some(Key::PageUp),
        b"6~" => Some(Key::PageDown),
        _ => None,
    };
    (key, rest)
}
