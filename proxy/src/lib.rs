//! Sidestep: keeps an application answered while language-model providers fail and recover.
//!
//! [`app`] puts listeners around the [`engine`], [`stack()`](stack::stack) is the way of a request, [`judge`] the
//! only writer of verdicts.

pub mod admin;
pub mod announce;
pub mod app;
pub mod body;
pub mod call;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod dice;
pub mod engine;
mod escape;
pub mod faults;
mod first_words;
pub mod history;
mod import;
pub mod incidents;
pub mod journal;
pub mod judge;
mod label;
pub mod layers;
pub mod logging;
pub mod metrics;
pub mod miss;
pub mod notify;
mod operator;
pub mod probing;
pub mod refusal;
pub mod relay;
pub mod request_id;
pub mod serve;
pub mod stack;
pub mod story;
pub mod surplus;
pub mod switches;
pub mod tasks;
pub mod telemetry;
pub mod upstream;
