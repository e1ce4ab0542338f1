//! Answers that a model generates.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Exchange;
use super::reply::{EVENTS, JSON, Reply};
use crate::answer::{Answer, Ids, Style};
use crate::complaint::Complaint;
use crate::fault::Fault;
use crate::headers::unix_now;
use crate::model::Model;
use crate::prompt::{Prompt, Riddle};
use crate::request::{self, Rules};
use crate::script::{self, Tempo};
use crate::vendor::{Form, Maker};
use crate::written::{self, Place};

impl Exchange<'_> {
    pub(super) async fn generate(
        &self,
        form: Form,
        body: &Map<String, Value>,
        model: &Model,
    ) -> Result<Reply, Complaint> {
        let prompt = self.understood(form, body, model)?;
        let answer = Answer::compose(&prompt, &self.style(form, &prompt, model));
        let tempo = Tempo::new(&self.provider.vendor().pace, &self.drawn, self.seed);
        let maker = self.provider.vendor().maker;
        if prompt.stream {
            tokio::time::sleep(tempo.head).await;
            let events = written::events(form, &answer, &prompt, maker);
            let error = |sent, status| self.error(form, &answer, sent, status);
            let steps = script::steps(&events, tempo, self.drawn.outcome.as_ref(), error);
            return Ok(Reply { status: 200, content_type: EVENTS, steps, length: None, retry_after_s: None });
        }
        tokio::time::sleep(tempo.of_whole(answer.usage.output)).await;
        Ok(self.whole(&written::whole(form, &answer, &prompt, maker)))
    }

    /// Reads the prompt, and notes whether it is a probe's.
    pub(super) fn understood(
        &self,
        form: Form,
        body: &Map<String, Value>,
        model: &Model,
    ) -> Result<Prompt, Complaint> {
        let prompt = request::read(form, body, &self.rules(model, false))?;
        let probe = Riddle::find(&prompt.gist().asked).is_some();
        self.attempt.note(|attempt| {
            attempt.probe = probe;
            attempt.input_tokens = prompt.tokens();
        });
        Ok(prompt)
    }

    /// How long a prompt is. What cannot be sent cannot be counted.
    pub(super) fn count(&self, body: &Map<String, Value>, model: &Model) -> Result<Reply, Complaint> {
        let prompt = request::read(self.form(), body, &self.rules(model, true))?;
        Ok(self.whole(&json!({ "input_tokens": prompt.tokens() })))
    }

    /// A body that comes at once, unless a fault strikes inside it.
    pub(super) fn whole(&self, body: &Value) -> Reply {
        let body = Bytes::from(body.to_string());
        let fault = self.drawn.outcome.as_ref();
        let length = fault.is_none_or(|fault| matches!(fault, Fault::Empty {})).then_some(body.len());
        let steps = script::steps(&script::halves(body), Tempo::NONE, fault, |_, _| Bytes::new());
        Reply { status: 200, content_type: JSON, steps, length, retry_after_s: None }
    }

    fn error(&self, form: Form, answer: &Answer, sent: usize, status: u16) -> Bytes {
        let maker = self.provider.vendor().maker;
        let place = Place { maker, request_id: &self.request_id, answer, sent };
        written::error(form, &Complaint::of_status(status, None), &place)
    }

    fn rules<'a>(&self, model: &'a Model, counting: bool) -> Rules<'a> {
        Rules { maker: self.provider.vendor().maker, model, newest_version: self.newest, counting }
    }

    fn style<'a>(&self, form: Form, prompt: &Prompt, model: &'a Model) -> Style<'a> {
        let vendor = self.provider.vendor();
        Style {
            model: &model.name,
            words: vendor.words,
            ids: Ids { seed: self.seed },
            created: unix_now(),
            call_prefix: if form == Form::Messages { "toolu_01" } else { "call_" },
            wrong: self.drawn.modifiers.contains(&Fault::WrongContent {}),
            manner: self.drawn.modifiers.iter().find_map(|fault| match fault {
                Fault::Continuation { manner } => Some(*manner),
                _ => None,
            }),
            empty: self.drawn.outcome == Some(Fault::Empty {}),
            shows_reasoning: match form {
                Form::Messages => true,
                Form::Chat => vendor.maker == Maker::Xai,
                Form::Responses => {
                    prompt.echo.get("reasoning").is_some_and(|wanted| wanted["summary"].is_string())
                }
            },
        }
    }
}
