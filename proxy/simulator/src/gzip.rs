//! gzip (RFC 1952) without compression: stored blocks (RFC 1951 §3.2.4), one or more to a piece of the body.

use bytes::{BufMut, Bytes, BytesMut};

/// Encodes a body piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Gzip {
    checksum: u32,
    length: u32,
    begun: bool,
}

const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// Of one stored block, in bytes.
const LARGEST: usize = 0xffff;

impl Gzip {
    pub(crate) fn piece(&mut self, bytes: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(bytes.len() + 16);
        self.begin(&mut out);
        for block in bytes.chunks(LARGEST) {
            stored(&mut out, block, false);
        }
        self.checksum = update(self.checksum, bytes);
        self.length = self.length.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        out.freeze()
    }

    pub(crate) fn end(mut self) -> Bytes {
        let mut out = BytesMut::new();
        self.begin(&mut out);
        stored(&mut out, &[], true);
        out.put_u32_le(self.checksum);
        out.put_u32_le(self.length);
        out.freeze()
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(&HEADER);
        }
    }
}

fn stored(out: &mut BytesMut, block: &[u8], last: bool) {
    let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
    out.put_u8(last.into());
    out.put_u16_le(length);
    out.put_u16_le(!length);
    out.extend_from_slice(block);
}

/// CRC-32 of RFC 1952 §8, a bit at a time.
fn update(checksum: u32, bytes: &[u8]) -> u32 {
    let mut sum = !checksum;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_standard_one() {
        assert_eq!(update(update(0, b"1234"), b"56789"), 0xcbf4_3926);
    }
}
