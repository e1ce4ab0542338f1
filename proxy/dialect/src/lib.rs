//! What is said: the wire formats, server-sent events and errors of model providers.
//!
//! Pure: no sockets, no files, no tasks. The request side reads what
//! an application asks and writes it for the target that shall answer; the answer side turns what came
//! back into the application's own dialect.

pub mod dialect;
pub mod error;
pub mod mark;
pub mod tool_id;

pub use dialect::{Dialect, Endpoint, Flavor};
