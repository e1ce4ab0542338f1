//! The part of a string that needs no look at its bytes one by one: nearly all of it.

/// Bytes that are looked at together; a multiple of what the processor compares at once.
const LANES: usize = 32;

/// How many bytes at the beginning of `text` stand for themselves in a JSON string: up to a quote, a backslash or a
/// control character (RFC 8259, section 7).
pub(super) fn length(text: &[u8]) -> usize {
    let (lanes, _) = text.as_chunks::<LANES>();
    // Without an early exit inside a lane, so that the compiler makes vector instructions of it.
    let all_plain = |lane: &&[u8; LANES]| !lane.iter().fold(false, |found, byte| found | is_special(*byte));
    let start = lanes.iter().take_while(all_plain).count() * LANES;
    let rest = text.get(start..).unwrap_or_default();
    start + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

#[cfg(test)]
mod tests {
    use super::LANES;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_stands() {
        for length in 0..3 * LANES {
            for special in [0, b'\n', 0x1f, b'"', b'\\'] {
                let mut text = vec![b'\x7f'; length];
                assert_eq!(super::length(&text), length);
                text.extend([special, b'a', special]);
                assert_eq!(super::length(&text), length, "{special} after {length}");
            }
        }
    }
}
