//! Recorded streams, as byte streams again.

use std::path::Path;

use sidestep_dialect::Dialect;

/// The streams in a file: the raw bytes of one (`.sse`), or one JSON event a line (`.chunks.txt`), to which the
/// framing is given back. A file of the latter kind may hold the streams of several calls, one after the other.
pub(crate) fn streams(path: &Path, dialect: Dialect) -> std::io::Result<Vec<Vec<u8>>> {
    let bytes = std::fs::read(path)?;
    if !path.to_string_lossy().ends_with(".chunks.txt") {
        return Ok(vec![bytes]);
    }
    let mut streams: Vec<Vec<u8>> = Vec::new();
    for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.trim().is_empty()) {
        let event: serde_json::Value = serde_json::from_str(line)?;
        let kind = event["type"].as_str().filter(|_| dialect != Dialect::OpenAi);
        if streams.is_empty() || (kind == Some("message_start") && is_over(streams.last())) {
            streams.push(Vec::new());
        }
        if let Some(stream) = streams.last_mut() {
            stream.extend(kind.map(|kind| format!("event: {kind}\n")).unwrap_or_default().into_bytes());
            stream.extend(format!("data: {line}\n\n").into_bytes());
        }
    }
    if let (Dialect::OpenAi, Some(stream)) = (dialect, streams.last_mut()) {
        stream.extend(b"data: [DONE]\n\n");
    }
    Ok(streams)
}

fn is_over(stream: Option<&Vec<u8>>) -> bool {
    stream.is_some_and(|stream| stream.windows(12).any(|word| word == b"message_stop"))
}
