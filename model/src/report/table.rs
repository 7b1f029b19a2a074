//! Tables for people.

use super::{FaultVerdict, LockRow, Report, Run, Verdict};
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

/// What happened in each run, a row for each.
pub fn runs(runs: &[Run]) -> String {
    let mut table = markdown(&[
        "scenario",
        "strategy",
        "engine",
        "tier",
        "executions",
        "states",
        "outcomes",
        "spec",
        "seconds",
        "",
    ]);
    for run in runs {
        table.add_row([
            run.scenario.clone(),
            run.strategy.clone(),
            engine(run),
            tier(run),
            run.executions.to_string(),
            states(run),
            run.outcomes.len().to_string(),
            agreement(run).to_owned(),
            format!("{:.1}", run.seconds),
            verdict(run.verdict).to_owned(),
        ]);
    }
    for column in [4, 5, 6, 8] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// The faults, a row for each.
pub fn faults(report: &Report) -> String {
    let mut table = markdown(&["guarantee", "fault", "strategy", "engine", "scenario", "defect", ""]);
    for guarantee in &report.guarantees {
        for fault in &guarantee.faults {
            let verdict = if fault.verdict == FaultVerdict::Refuted { "refuted" } else { "SURVIVED" };
            table.add_row([
                &format!("{} {}", guarantee.id, guarantee.name),
                &fault.name,
                &fault.strategy,
                &fault.engine,
                &fault.scenario,
                fault.defect.as_deref().unwrap_or_default(),
                verdict,
            ]);
        }
    }
    table.to_string()
}

/// The lock table: which operation acquires a foreign lock, and why.
pub fn locks(rows: &[LockRow]) -> String {
    let mut table = markdown(&["strategy", "operation", "acquires another interpreter's lock for"]);
    for row in rows {
        let causes = if row.causes.is_empty() { "nothing".to_owned() } else { row.causes.join(", ") };
        table.add_row([row.strategy.clone(), row.operation.clone(), causes]);
    }
    table.to_string()
}

/// One run in one line.
pub fn line(run: &Run) -> String {
    let counted = match run.engine.as_str() {
        "spec" => format!("{}, {}", count(run.states as u64, "state"), count(run.executions, "transition")),
        "loom" | "shuttle" => format!("{}, {}", count(run.executions, "execution"), count(run.states as u64, "state")),
        _ => count(run.executions, "round"),
    };
    let outcomes = count(run.outcomes.len() as u64, "outcome");
    format!(
        "{} {}, {} on {} ({}): {counted}, {outcomes}, {:.1} s",
        verdict(run.verdict),
        run.scenario,
        run.strategy,
        engine(run),
        tier(run),
        run.seconds
    )
}

/// So many of something: `1 run`, `2 runs`.
pub fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

pub(super) fn markdown(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN).set_header(header.to_vec());
    table
}

fn engine(run: &Run) -> String {
    match &run.mode {
        Some(mode) => format!("{} ({mode})", run.engine),
        None => run.engine.clone(),
    }
}

/// Only these observe states.
fn states(run: &Run) -> String {
    match run.engine.as_str() {
        "spec" | "loom" | "shuttle" => run.states.to_string(),
        _ => "-".to_owned(),
    }
}

fn tier(run: &Run) -> String {
    match run.preemptions {
        Some(preemptions) => format!("{}, {preemptions} preemptions", run.tier),
        None => run.tier.clone(),
    }
}

/// How the run compares with the specification: equal on the exhaustive tier, included otherwise; unknown if the scenario is
/// too big for that.
fn agreement(run: &Run) -> &'static str {
    match (run.agrees_with_spec, run.tier.as_str()) {
        (false, _) if run.violations.is_empty() => "unknown",
        (false, _) => "DIFFERS",
        (true, "exhaustive") => "equal",
        (true, _) => "included",
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "FAIL",
    }
}
