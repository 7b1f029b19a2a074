//! The rows about the checkers: an execution that a monitor follows beside the same without.
//!
//! They need a build with loom or shuttle, which this is not. So they come from a child: the bench `checkers` of the model, built
//! and started by cargo. Whatever keeps it from answering is an error: no row is left out quietly.

use crate::measure::Measured;
use crate::work::Goal;
use serde::Deserialize;
use std::process::{Command, Stdio};

const GOAL: Goal = Goal::AtMost(1.5);

/// The tools, each the name of its feature too, with what is explored under it. Under loom these are a few thousand to a few ten
/// thousand executions each; the last has the most states for each execution, so it is the hardest on the monitor.
const TOOLS: [(&str, &[&str]); 2] = [
    (
        "loom",
        &[
            "mutual-receive:view",
            "two-senders-one-receiver:handover",
            "recv-timeout-then-receive:deferred",
            "published-by-two-owners:epoch",
            "ring-of-three:deferred",
        ],
    ),
    ("shuttle", &["mutual-receive:view", "recv-timeout-then-receive:deferred"]),
];

/// What the child says of a case.
#[derive(Deserialize)]
struct Answer {
    case: String,
    monitored: f64,
    unmonitored: f64,
    ratio: f64,
    ratio_from: f64,
    ratio_to: f64,
}

/// The rows that are asked for. A child is started for those of each tool, if there are any.
///
/// # Errors
///
/// When a child cannot be built, fails, or does not answer what it was asked.
pub(crate) fn measure(is_asked: impl Fn(&str) -> bool, rounds: u32) -> Result<Vec<Measured>, String> {
    let mut rows = Vec::new();
    for (tool, cases) in TOOLS {
        let asked: Vec<&str> = cases.iter().copied().filter(|case| is_asked(&name(tool, case))).collect();
        if !asked.is_empty() {
            rows.extend(answers(tool, &asked, rounds)?.into_iter().map(|answer| row(tool, answer)));
        }
    }
    Ok(rows)
}

/// The name of a row.
fn name(tool: &str, case: &str) -> String {
    format!("{tool}, monitored: {}", case.replace(':', ", "))
}

fn row(tool: &str, answer: Answer) -> Measured {
    Measured {
        row: name(tool, &answer.case),
        name: "a monitored execution",
        ours: answer.monitored,
        peer: answer.unmonitored,
        peer_name: "the same, unmonitored".to_owned(),
        unit: "µs",
        ratio: answer.ratio,
        ratio_from: answer.ratio_from,
        ratio_to: answer.ratio_to,
        goal: GOAL.to_string(),
        met: GOAL.is_met(answer.ratio),
    }
}

/// Builds the bench with the tool, and has it measure these cases.
fn answers(tool: &str, cases: &[&str], rounds: u32) -> Result<Vec<Answer>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["bench", "--package", "viewchan-model", "--features", tool, "--bench", "checkers", "--"])
        .args(cases)
        .args(["--json", "--rounds", &rounds.to_string()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("the checkers under {tool}: cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("the checkers under {tool} were not measured: cargo ended with {}", output.status));
    }
    let answers: Vec<Answer> = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("the checkers under {tool} gave no answer: {error}"))?;
    if !answers.iter().map(|answer| answer.case.as_str()).eq(cases.iter().copied()) {
        return Err(format!("the checkers under {tool} did not measure what they were asked: {}", cases.join(", ")));
    }
    Ok(answers)
}
