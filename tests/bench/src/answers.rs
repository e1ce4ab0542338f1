//! What is asked and what is answered, in bytes that are made once.

use std::fmt::Write;

/// What a request asks the upstream for. It stands in the prompt, so it survives every proxy and translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Events of text; none for a whole answer.
    pub(crate) events: u32,
    /// Between two events, in milliseconds.
    pub(crate) gap: u32,
}

/// The wire format that the upstream is asked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// OpenAI's Chat Completions.
    Chat,
    /// Anthropic's Messages.
    Messages,
}

/// A stream, in the pieces in which it is sent.
pub(crate) struct Stream {
    /// Everything before the first text.
    pub(crate) head: Vec<u8>,
    /// One event of text.
    pub(crate) event: Vec<u8>,
    /// Everything after the last.
    pub(crate) tail: Vec<u8>,
}

/// One event's text: a word or two, as models send them.
const PIECE: &str = " lighthouse keeper";

impl Wish {
    /// One answer in one piece.
    pub(crate) const WHOLE: Wish = Wish { events: 0, gap: 0 };

    /// As it stands in a prompt.
    pub(crate) fn mark(self) -> String {
        format!("[bench {} {}]", self.events, self.gap)
    }

    /// The wish that stands in a request; only its beginning is looked at.
    pub(crate) fn find(request: &[u8]) -> Option<Wish> {
        let start = memchr::memmem::find(&request[..request.len().min(8192)], b"[bench ")?;
        let rest = std::str::from_utf8(request.get(start + 7..start + 40)?).ok()?;
        let (events, gap) = rest.split_once(']')?.0.split_once(' ')?;
        Some(Wish { events: events.parse().ok()?, gap: gap.parse().ok()? })
    }
}

/// An answer of about 1 KiB with status line and headers, in HTTP/1.1.
pub(crate) fn whole(form: Form) -> Vec<u8> {
    head("application/json", whole_body(form).as_bytes())
}

/// The body of [`whole`].
pub(crate) fn whole_body(form: Form) -> String {
    let text = PIECE.repeat(42);
    match form {
        Form::Chat => format!(
            r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":1790000000,"model":"gpt-6.1-sol","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":200,"completion_tokens":84,"total_tokens":284}}}}"#
        ),
        Form::Messages => format!(
            r#"{{"id":"msg_bench","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":200,"output_tokens":84}}}}"#
        ),
    }
}

/// A stream whose text is `piece`, again and again.
pub(crate) fn stream(form: Form, piece: &str) -> Stream {
    match form {
        Form::Chat => {
            let chunk = |delta: &str, finish: &str| {
                format!(
                    "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"gpt-6.1-sol\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
                )
            };
            Stream {
                head: chunk(r#"{"role":"assistant","content":""}"#, "null").into(),
                event: chunk(&format!(r#"{{"content":"{piece}"}}"#), "null").into(),
                tail: format!("{}data: [DONE]\n\n", chunk("{}", "\"stop\"")).into(),
            }
        }
        Form::Messages => Stream {
            head: concat!(
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-5-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":200,\"output_tokens\":1}}}\n\n",
                "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            )
            .into(),
            event: format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{piece}\"}}}}\n\n").into(),
            tail: concat!(
                "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
                "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":84}}\n\n",
                "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            )
            .into(),
        },
    }
}

/// The stream that every wish is answered with.
pub(crate) fn told(form: Form) -> Stream {
    stream(form, PIECE)
}

/// What answers a probe of Sidestep's, which asks for a code and a sum: `code: bcdf 12+34=?`.
pub(crate) fn solved(request: &[u8]) -> Option<String> {
    let start = memchr::memmem::find(request, b"only this code: ")?;
    let question = std::str::from_utf8(request.get(start + 16..start + 40)?).ok()?;
    let (nonce, sum) = question.split_once("=?")?.0.split_once(' ')?;
    let (a, b) = sum.split_once('+')?;
    Some(format!("{nonce} {}", a.parse::<u32>().ok()? + b.parse::<u32>().ok()?))
}

/// A call of `path` as an SDK sends it: about 1 KiB, and `bulk` bytes of prompt and `image` bytes of base64 more.
pub(crate) fn call(model: &str, wish: Wish, (bulk, image): (usize, usize)) -> Vec<u8> {
    let prompt = "Keep the light burning and write down every ship. ".repeat(14 + bulk / 50);
    let mut content = format!(r#"{{"type":"text","text":"{} {prompt}"}}"#, wish.mark());
    for _ in 0..image.div_ceil(5 << 20) {
        let data = "QUJD".repeat(image.min(5 << 20) / 4);
        write!(content, r#",{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}"#)
            .ok();
    }
    let stream = wish.events > 0;
    let body = format!(
        r#"{{"model":"{model}","messages":[{{"role":"system","content":"You keep a lighthouse."}},{{"role":"user","content":[{content}]}}],"max_tokens":1024,"temperature":0.7,"stream":{stream}}}"#
    );
    let mut request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer bench\r\ncontent-type: application/json\r\naccept: application/json\r\nuser-agent: OpenAI/Python 2.8.1\r\nx-stainless-lang: python\r\nx-stainless-retry-count: 0\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body.as_bytes());
    request
}

fn head(kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_found_where_it_was_made() {
        let wish = Wish { events: 100, gap: 5 };
        assert_eq!(Wish::find(&call("gpt", wish, (1 << 20, 0))), Some(wish));
        assert_eq!(Wish::find(b"{}"), None);
        let small = call("gpt", Wish::WHOLE, (0, 0)).len();
        assert!((1000..1600).contains(&small), "{small}");
        assert!((900..1200).contains(&whole_body(Form::Chat).len()));
    }

    #[test]
    fn a_probe_is_answered_with_its_sum() {
        let asked = br#"{"content":"Reply with only this code: bcdf 12+34=?\nPut the sum"}"#;
        assert_eq!(solved(asked).as_deref(), Some("bcdf 46"));
    }
}
