use proptest::prelude::*;

use super::*;

/// All events of a stream that arrives in pieces cut at the given places.
fn split(stream: &[u8], cuts: &[usize], limit: usize) -> (Vec<Result<RawEvent, SseFault>>, Tail) {
    let mut splitter = Splitter::new(limit);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    let mut events = Vec::new();
    for pair in cuts.windows(2) {
        splitter.feed(Bytes::copy_from_slice(&stream[pair[0]..pair[1]]));
        events.extend(std::iter::from_fn(|| splitter.next()));
    }
    let tail = splitter.finish();
    (events, tail)
}

fn whole(stream: &[u8]) -> Vec<RawEvent> {
    split(stream, &[], usize::MAX).0.into_iter().map(Result::unwrap).collect()
}

fn data(stream: &[u8]) -> Vec<String> {
    whole(stream).iter().map(|event| String::from_utf8_lossy(&event.data).into_owned()).collect()
}

/// Bytes in which line ends, fields and marks are as frequent as they need to be to meet each other.
fn stream_like() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"data: ".to_vec()),
        Just(b"data".to_vec()),
        Just(b"event:x".to_vec()),
        Just(b": c".to_vec()),
        Just(b"\xef\xbb\xbf".to_vec()),
        Just(b"\xef\xbb".to_vec()),
        Just("é{}".as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn cutting_a_stream_into_pieces_changes_nothing(
        stream in stream_like(), cuts in proptest::collection::vec(any::<usize>(), 0..30), limit in 4_usize..200,
    ) {
        let at_once = split(&stream, &[], limit);
        let in_pieces = split(&stream, &cuts, limit);
        prop_assert_eq!(&at_once, &in_pieces);
        let every_byte: Vec<usize> = (0..stream.len()).collect();
        prop_assert_eq!(&at_once, &split(&stream, &every_byte, limit));
    }

    #[test]
    fn no_byte_is_lost_or_invented(stream in stream_like(), cuts in proptest::collection::vec(any::<usize>(), 0..30)) {
        let (events, tail) = split(&stream, &cuts, usize::MAX);
        let mut bytes: Vec<u8> = events.into_iter().flat_map(|event| event.unwrap().raw).collect();
        if let Tail::Event(last) | Tail::Torn(last) = tail {
            bytes.extend_from_slice(&last.raw);
        }
        prop_assert_eq!(bytes, stream);
    }
}

#[test]
fn every_line_end_of_the_standard_is_understood() {
    assert_eq!(data(b"data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n"), ["a", "b", "c", "d"]);
    assert_eq!(data(b"data: a\r\n\ndata: b\n\r\nx"), ["a", "b"]);
}

#[test]
fn fields_follow_the_standard() {
    let events =
        whole(b"\xef\xbb\xbfevent: one\nid: 7\ndata:first\ndata\ndata:  third\n\n: only a comment\n\n");
    assert_eq!(events[0].name(), Some("one"));
    assert_eq!(&events[0].data[..], b"first\n\n third");
    assert_eq!((events[1].name(), &events[1].data[..]), (None, &b""[..]));
    assert_eq!(&events[1].raw[..], b": only a comment\n\n");
}

#[test]
fn a_line_separator_of_unicode_is_no_line_end() {
    assert_eq!(data("data: a\u{2028}b\u{85}c\n\n".as_bytes()), ["a\u{2028}b\u{85}c"]);
}

#[test]
fn an_event_in_one_piece_is_not_copied() {
    let piece = Bytes::from_static(b"data: one\n\ndata: two\n\n");
    let mut splitter = Splitter::new(100);
    splitter.feed(piece.clone());
    let first = splitter.next().unwrap().unwrap();
    let second = splitter.next().unwrap().unwrap();
    assert_eq!(first.raw.as_ptr(), piece.as_ptr());
    assert_eq!(second.data.as_ptr(), piece[17..].as_ptr());
}

#[test]
fn a_broken_off_event_comes_apart_from_whole_ones() {
    let (events, tail) = split(b"data: whole\n\ndata: {\"half", &[], 100);
    assert_eq!(events.len(), 1);
    assert!(matches!(tail, Tail::Torn(event) if &event.data[..] == b"{\"half"));
    assert_eq!(split(b"data: whole\n\n", &[], 100).1, Tail::Clean);
    assert!(matches!(split(b"data: x\r\r", &[], 100).1, Tail::Event(event) if &event.data[..] == b"x"));
}

#[test]
fn an_endless_event_is_refused_and_holds_no_memory() {
    let mut splitter = Splitter::new(1000);
    let mut faults = 0;
    for _ in 0..100 {
        splitter.feed(Bytes::from(vec![b'x'; 100]));
        faults += usize::from(splitter.next().is_some());
    }
    assert_eq!((faults, splitter.pending.capacity(), splitter.queue.len()), (1, 0, 0));
    assert_eq!(splitter.finish(), Tail::Clean);
}
