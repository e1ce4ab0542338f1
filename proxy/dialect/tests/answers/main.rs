//! The answer side, from the outside: any dialect into any other.
#![cfg(test)]

mod exchange;
mod failures;
mod grammar;
mod malformed;
mod plan;
mod quirks;
mod recording;
mod recordings;
mod rescue;
mod rescue_plan;
mod rescue_recorded;
mod rescue_stage;
mod streams;
mod tool_calls;
mod translation;
