//! What Python sees. Each function here is a call from a thread that is attached, and says so to the runtime.

mod buffer;
mod claim;
mod ends;
mod entry;
mod errors;
mod message;
mod module;
mod run;
mod seconds;
mod shareable;
mod view;
mod wait;

pub(crate) use entry::Context;
pub(crate) use errors::Error;
