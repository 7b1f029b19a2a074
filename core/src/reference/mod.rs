//! The reference runtime: the smallest thing that is an interpreter in the sense of this crate.
//!
//! A lock, and objects whose reference count is a plain integer guarded by it, as in CPython.
//!
//! - [`Interpreter`]: the handle, its lock and its accounting.
//! - [`Attached`]: the token; what a thread can do inside.
//! - [`BufferMut`] → `freeze` → [`Buffer`](crate::Buffer) → `try_thaw`: the life of bytes.

mod attached;
mod bytes;
mod interpreter;
mod object;
mod run;
mod thaw;

pub use attached::Attached;
pub use interpreter::{Acquisitions, Interpreter};
pub use object::{Export, Object};
pub use run::{AnyError, Channels, Failure, NoSuchEnd, RunResult};
pub use thaw::{BufferMut, ThawError};
