//! The end of a check: what is printed, what is written, and the exit status.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use viewchan_model::report::{FaultRun, FaultVerdict, Report, Run, Verdict, table};
use viewchan_model::scenario::Scenario;

/// Writes the report, if somebody wants it, and prints it in words. The exit status is its verdict. The scenarios are those
/// that were loaded, each with its origin; others have the names of shipped ones.
pub(super) fn tell(
    report: &Report,
    scenarios: &[(String, Scenario)],
    json: Option<Output<'_>>,
) -> Result<ExitCode, String> {
    if let Some(json) = json {
        json.write(&(serde_json::to_string_pretty(report).expect("plain data") + "\n"))?;
    }
    super::print(&in_words(report, scenarios))?;
    Ok(if report.passes() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A file to write at the end, opened at the beginning: a wrong path is noticed before the work. What it holds stays until
/// there is something better.
pub(super) struct Output<'a> {
    path: &'a PathBuf,
    file: File,
}

impl<'a> Output<'a> {
    pub(super) fn create(path: &'a PathBuf) -> Result<Self, String> {
        let opened = File::options().write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(Self { path, file })
    }

    pub(super) fn write(mut self, text: &str) -> Result<(), String> {
        let written = self.file.set_len(0).and_then(|()| self.file.write_all(text.as_bytes()));
        written.map_err(|error| format!("cannot write {}: {error}", self.path.display()))
    }
}

/// What the check found, for a person.
fn in_words(report: &Report, scenarios: &[(String, Scenario)]) -> String {
    let mut parts = vec![table::runs(&report.runs)];
    let faults: Vec<&FaultRun> = report.guarantees.iter().flat_map(|guarantee| &guarantee.faults).collect();
    if !faults.is_empty() {
        parts.push(table::faults(report));
    }
    if !report.locks.is_empty() {
        parts.push(table::locks(&report.locks));
    }
    let failed: Vec<&Run> = report.runs.iter().filter(|run| run.verdict == Verdict::Fail).collect();
    parts.extend(failed.iter().map(|run| failure(run, scenarios)));
    let survivors: Vec<_> = faults.iter().filter(|fault| fault.verdict == FaultVerdict::Survived).collect();
    let survivor =
        |fault: &&&FaultRun| format!("SURVIVED {}, {} on {}: {}", fault.name, fault.strategy, fault.engine, fault.why);
    parts.extend(survivors.iter().map(survivor));
    let unreached = |witness: &String| {
        format!("UNREACHED {witness}: no scenario leads there, so what it is a witness for was not tested")
    };
    if report.part.is_none() {
        parts.extend(report.missing_witnesses.iter().map(unreached));
    }
    let scope = report.part.as_ref().map_or_else(String::new, |part| format!(" (part {} of {})", part.shard, part.of));
    parts.push(format!(
        "{}{scope}: {} of {} runs pass, {} of {} faults refuted\n",
        if report.passes() { "PASS" } else { "FAIL" },
        report.runs.len() - failed.len(),
        report.runs.len(),
        faults.len() - survivors.len(),
        faults.len()
    ));
    parts.join("\n\n")
}

/// The most steps that are printed of how a failure came about.
const MOST_LINES: usize = 200;

/// A failed run: what is violated, how it came about, and how to see it again.
fn failure(run: &Run, scenarios: &[(String, Scenario)]) -> String {
    let mut lines = vec![table::line(run)];
    for violation in &run.violations {
        lines.push(format!("  {violation}"));
        let left_out = violation.trace.len().saturating_sub(MOST_LINES);
        if left_out > 0 {
            lines.push(format!("    ({left_out} steps before these: --json has all of them)"));
        }
        lines.extend(violation.trace[left_out..].iter().map(|step| format!("    {step}")));
    }
    if let Some(file) = &run.schedule {
        let origin = scenarios.iter().find(|(_, scenario)| scenario.name == run.scenario);
        let origin = origin.map_or(run.scenario.as_str(), |(origin, _)| origin);
        let strategy = &run.strategy;
        lines.push(format!(
            "  once more: viewchan check {origin} --strategy {strategy} --engine shuttle --replay {file}"
        ));
    }
    lines.join("\n")
}
