//! What each fuzz target does with its bytes. A target panics if something is wrong.
//!
//! `fuzz_targets` gives these bodies to libFuzzer. `model/tests/corpus.rs` includes this file, and runs them on the
//! seeds with the toolchain that everything else is built with.

mod history;
mod layout;
mod planted;
mod scenario_parser;

pub use history::history;
pub use layout::layout;
pub use scenario_parser::scenario_parser;

/// Whose mistakes a target looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// What ships.
    Shipped,
    /// Code with one mistake for each target, which the target must find.
    Planted,
}
