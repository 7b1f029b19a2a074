//! The specification of viewchan and what runs against it.
//!
//! - [`spec`]: the pure state machine, its guarantees, its faults.
//! - [`scenario`]: who does what, as data.
//! - [`engine`]: the specification explored, and the real code under loom, under shuttle or on real threads, also that of backends.
//! - [`monitor`]: trace refinement, between the two.
//! - `history` (without the features `loom` and `shuttle`): histories of one channel on real threads, checked for linearizability.
//! - [`fault`]: protocols broken on purpose, in the code.
//! - [`litmus`]: each lock-free step of the code as a litmus test.
//! - [`mod@check`], [`job`], [`golden`], [`report`]: the whole check, its child processes, its expected counts, its results.
//! - [`mod@load`]: where scenarios come from. [`generate`]: scenarios that nobody wrote. [`series`]: many of them on one
//!   engine.

#![deny(unsafe_code)]

pub mod check;
pub mod engine;
pub mod fault;
pub mod generate;
pub mod golden;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub mod history;
pub mod job;
pub mod litmus;
pub mod load;
pub mod monitor;
pub mod report;
pub mod scenario;
pub mod series;
pub mod spec;
