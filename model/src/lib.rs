//! The specification of viewchan and what runs against it.
//!
//! - [`spec`]: the pure state machine, its guarantees, its faults.
//! - [`scenario`]: who does what, as data.
//! - [`engine`]: the specification explored, and the real code under loom, under shuttle or on real threads, also that of backends.
//! - [`monitor`]: trace refinement, between the two.
//! - `history` (without the feature `loom`): histories of one channel on real threads, checked for linearizability.
//! - [`fault`]: protocols broken on purpose, in the code.
//! - [`mod@check`], [`job`], [`golden`], [`report`]: the whole check, its child processes, its expected counts, its results.
//! - [`mod@load`]: where scenarios come from.

#![deny(unsafe_code)]

pub mod check;
pub mod engine;
pub mod fault;
pub mod golden;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub mod history;
pub mod job;
pub mod load;
pub mod monitor;
pub mod report;
pub mod scenario;
pub mod spec;
