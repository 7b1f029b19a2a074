//! `viewchan merge`.

use super::verdict::{self, Output};
use std::path::PathBuf;
use std::process::ExitCode;
use viewchan_model::report::Report;
use viewchan_model::report::merge::merge;

/// Makes one verdict of the reports that `check --shard K/N --json FILE` has written.
///
/// Refuses them unless every part of one check is there exactly once.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The reports of all parts, in any order.
    #[arg(required = true, value_name = "FILE")]
    reports: Vec<PathBuf>,
    /// Write the merged report to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let reports = arguments.reports.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let report = merge(&reports)?;
    let json = arguments.json.as_ref().map(Output::create).transpose()?;
    verdict::tell(&report, &[], json)
}

fn read(file: &PathBuf) -> Result<(String, Report), String> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let report = serde_json::from_str(&text).map_err(|error| format!("{name}: not a report of a check: {error}"))?;
    Ok((name, report))
}
