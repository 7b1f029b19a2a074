//! Engines: each runs one scenario in its own way and says what it saw.
//!
//! - [`spec`] explores the specification, every state of it.
//! - `loom` (feature `loom`) explores the real code, every interleaving of it, under a [monitor](crate::monitor).
//! - `shuttle` (feature `shuttle`) runs the real code in interleavings that a scheduler chooses, under the same monitor;
//!   [`sampling`] says how, and [`recording`] keeps what failed.
//! - `threads` (without these features) runs the real code on real threads, many rounds: it is `conformance` on the
//!   reference runtime. A backend's engine is the same on another [`host`].
//!
//! [`mod@strategy`] leads from a strategy's name to its code. The real-code engines share `real`: it sets a scenario up and runs its threads.

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub mod conformance;
#[cfg(any(feature = "loom", feature = "shuttle"))]
mod execution;
pub mod host;
#[cfg(feature = "loom")]
pub mod loom;
pub(crate) mod real;
pub mod recording;
pub mod sampling;
#[cfg(all(feature = "shuttle", not(feature = "loom")))]
pub mod shuttle;
pub mod spec;
pub mod strategy;
pub(crate) mod tool;
