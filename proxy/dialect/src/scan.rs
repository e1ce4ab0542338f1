//! A strict JSON scanner that walks a text once and builds nothing.
//!
//! Reading a request for routing needs a handful of its fields, their exact byte spans, and nothing else.
//! Unlike a tree parser this one keeps spans, leaves numbers and strings as they stand (big integers, lone
//! surrogate escapes) and caps nesting even in the parts that it skips.

mod plain;

use std::{borrow::Cow, ops::Range};

/// How deep objects and arrays may nest; as deep as `serde_json` reads.
pub(crate) const MAX_DEPTH: usize = 127;

/// What is wrong with a text, at a byte offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) kind: FlawKind,
    pub(crate) at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlawKind {
    Ended,
    Unexpected,
    TooDeep,
    /// Reported by whoever walks the text: the value at the offset cannot be used.
    Refused,
}

pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

pub(crate) type Scan<T> = Result<T, Flaw>;
pub(crate) type OnEntry<'v, 'a> = dyn FnMut(&mut Scanner<'a>, &'a str) -> Scan<()> + 'v;
pub(crate) type OnItem<'v, 'a> = dyn FnMut(&mut Scanner<'a>) -> Scan<()> + 'v;

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Where the next byte to read stands.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn slice(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    /// The next value's first byte, which tells its kind.
    pub(crate) fn first(&mut self) -> Scan<u8> {
        self.blank();
        self.byte()
    }

    /// Gives each entry's raw key (without quotes, still escaped) to `visit`, which must consume exactly the
    /// value. Returns false, having skipped it, when the next value is no object.
    pub(crate) fn entries(&mut self, visit: &mut OnEntry<'_, 'a>) -> Scan<bool> {
        if self.first()? != b'{' {
            return self.skip().map(|_| false);
        }
        self.open()?;
        if self.first()? == b'}' {
            return self.close().map(|()| true);
        }
        loop {
            self.blank();
            let key = self.string()?;
            self.blank();
            self.expect(b':')?;
            visit(self, self.slice(key.start + 1..key.end - 1))?;
            match self.first()? {
                b',' => self.at += 1,
                b'}' => return self.close().map(|()| true),
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// Gives each item of an array to `visit`, which must consume it. Returns false, having skipped it, when
    /// the next value is no array.
    pub(crate) fn items(&mut self, visit: &mut OnItem<'_, 'a>) -> Scan<bool> {
        if self.first()? != b'[' {
            return self.skip().map(|_| false);
        }
        self.open()?;
        if self.first()? == b']' {
            return self.close().map(|()| true);
        }
        loop {
            visit(self)?;
            match self.first()? {
                b',' => self.at += 1,
                b']' => return self.close().map(|()| true),
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// Checks the next value, whatever it is, and returns its span.
    pub(crate) fn skip(&mut self) -> Scan<Range<usize>> {
        let first = self.first()?;
        let start = self.at;
        match first {
            b'{' => drop(self.entries(&mut |scanner, _| scanner.skip().map(drop))?),
            b'[' => drop(self.items(&mut |scanner| scanner.skip().map(drop))?),
            b'"' => return self.string(),
            b't' => self.literal("true")?,
            b'f' => self.literal("false")?,
            b'n' => self.literal("null")?,
            _ => self.number()?,
        }
        Ok(start..self.at)
    }

    /// As [`Self::skip`], as text.
    pub(crate) fn raw(&mut self) -> Scan<&'a str> {
        let span = self.skip()?;
        Ok(self.slice(span))
    }

    /// Makes sure that nothing but blanks follows.
    pub(crate) fn end(&mut self) -> Scan<()> {
        self.blank();
        if self.at == self.text.len() { Ok(()) } else { Err(self.unexpected()) }
    }

    fn string(&mut self) -> Scan<Range<usize>> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            self.at += plain::length(rest);
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                b'\\' => self.escape()?,
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn escape(&mut self) -> Scan<()> {
        self.at += 1;
        match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.byte()?.is_ascii_hexdigit() {
                        return Err(self.unexpected());
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    fn number(&mut self) -> Scan<()> {
        if self.byte()? == b'-' {
            self.at += 1;
        }
        if self.byte()? == b'0' {
            self.at += 1
        } else {
            self.digits()?
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Scan<()> {
        if !self.byte()?.is_ascii_digit() {
            return Err(self.unexpected());
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Scan<()> {
        word.bytes().try_for_each(|byte| self.expect(byte))
    }

    fn open(&mut self) -> Scan<()> {
        if self.depth == MAX_DEPTH {
            return Err(Flaw { kind: FlawKind::TooDeep, at: self.at });
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) -> Scan<()> {
        self.depth -= 1;
        self.at += 1;
        Ok(())
    }

    fn expect(&mut self, wanted: u8) -> Scan<()> {
        if self.byte()? != wanted {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(())
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn byte(&self) -> Scan<u8> {
        self.peek().ok_or(Flaw { kind: FlawKind::Ended, at: self.at })
    }

    const fn unexpected(&self) -> Flaw {
        Flaw { kind: FlawKind::Unexpected, at: self.at }
    }
}

/// A raw string's content (without quotes) with its escapes resolved; lone surrogates, which no Rust string
/// can hold, leave it as it stands.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    serde_json::from_str(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// A raw JSON string with its quotes, resolved; `None` when the value is no string.
pub(crate) fn text_of(raw: &str) -> Option<Cow<'_, str>> {
    raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map(unescape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.skip().and_then(|_| scanner.end()).is_ok()
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_on_what_is_json(text in "[\\[\\]{}\",:0-9eE+.tfn\\\\u a-]{0,24}|\\PC{0,16}") {
            let reference = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(accepts(&text), reference);
        }
    }

    #[test]
    fn what_apps_send_and_tree_parsers_refuse_is_json() {
        for text in [r#""cut \ud83d emoji""#, "1e999", "123456789012345678901234567890", " [ ] "] {
            assert!(accepts(text), "{text}");
        }
        for text in
            ["", "01", "1.", "[1,]", "{\"a\":1,}", "\"\u{1}\"", "tru", "nullx", "\"\\x\"", "{1:2}", "[1 2]"]
        {
            assert!(!accepts(text), "{text}");
        }
    }

    #[test]
    fn nesting_is_capped_at_the_depth_that_serde_json_reads() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for depth in [MAX_DEPTH, MAX_DEPTH + 1] {
            let tree = serde_json::from_str::<serde_json::Value>(&nested(depth)).is_ok();
            assert_eq!(accepts(&nested(depth)), tree, "{depth}");
        }
        assert!(!accepts(&"[".repeat(5_000_000)));
    }
}
