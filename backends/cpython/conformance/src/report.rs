//! The report. `tests/conformance.rs` reads what is written here.

use serde::{Deserialize, Serialize};
use viewchan_model::report::Run;

/// Schema 1 of `viewchan-model`, with more keys at each run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// 1.
    pub(crate) schema: u32,
    /// The version of this package.
    pub(crate) version: String,
    /// One for each scenario and strategy.
    pub(crate) runs: Vec<Checked>,
}

/// One scenario under one strategy.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Checked {
    /// The run.
    #[serde(flatten)]
    pub(crate) run: Run,
    /// How many outcomes the specification allows.
    pub(crate) allowed_outcomes: usize,
    /// During which operations threads acquired the lock of an interpreter that was not their own, and why.
    pub(crate) rows: Vec<Row>,
    /// The same, of all that the specification allows.
    pub(crate) allowed_rows: Vec<Row>,
}

/// An operation and a cause, in words.
pub(crate) type Row = (String, String);
