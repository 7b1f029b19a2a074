//! Engines: each runs one scenario in its own way and says what it saw.
//!
//! - [`spec`] explores the specification, every state of it.
//! - `loom` (feature `loom`) explores the real code, every interleaving of it, under a [monitor](crate::monitor).
//! - `threads` (without that feature) runs the real code on real threads, many rounds: it is `conformance` on the
//!   reference runtime. A backend's engine is the same on another [`host`].
//!
//! [`mod@strategy`] leads from a strategy's name to its code. The real-code engines share `real`: it sets a scenario up and runs its threads.

#[cfg(not(feature = "loom"))]
pub mod conformance;
#[cfg(feature = "loom")]
mod execution;
pub mod host;
#[cfg(feature = "loom")]
pub mod loom;
pub(crate) mod real;
pub mod spec;
pub mod strategy;
pub(crate) mod tool;
