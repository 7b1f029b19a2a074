//! What was measured, for people and for programs.

use crate::measure::{Measured, median};
use crate::work::peer;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Between these lines of BENCHMARKS.md.
const BEGIN: &str = "<!-- measured: cargo bench --bench table -- --write -->\n";
const END: &str = "<!-- end of what was measured -->\n";

/// The table of ratios.
pub(crate) fn table(rows: &[Measured]) -> Table {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN).set_header([
        "operation",
        "ours",
        "peer",
        "unit",
        "the best peer",
        "ratio",
        "middle half",
        "goal",
        "",
    ]);
    for row in rows {
        table.add_row([
            row.row.clone(),
            figure(row.ours),
            figure(row.peer),
            row.unit.to_owned(),
            row.peer_name.clone(),
            figure(row.ratio),
            format!("{} to {}", figure(row.ratio_from), figure(row.ratio_to)),
            row.goal.clone(),
            if row.met { "met" } else { "missed" }.to_owned(),
        ]);
    }
    for column in [1, 2, 5] {
        table.column_mut(column).expect("there are nine").set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Three digits that mean something.
fn figure(value: f64) -> String {
    let digits = 2 - (value.abs().max(0.01).log10().floor() as i32).min(2);
    format!("{value:.*}", digits as usize)
}

/// The list of rows, each an object: `row`, `ours`, `peer`, `unit`, `ratio`, `goal`, `met`, and what else was seen.
pub(crate) fn write_json(path: &Path, rows: &[Measured]) {
    fs::create_dir_all(path.parent().expect("in target")).expect("target can be made");
    let text = serde_json::to_string_pretty(rows).expect("plain data");
    fs::write(path, text + "\n").expect("target can be written");
}

/// Puts all of it between the two lines, and leaves what people have written around them.
pub(crate) fn write_markdown(path: &Path, rows: &[Measured], plots: &[(&str, &str)]) {
    let text = fs::read_to_string(path).expect("BENCHMARKS.md is there");
    let (before, rest) = text.split_once(BEGIN).expect("BENCHMARKS.md has the line before");
    let (_, after) = rest.split_once(END).expect("BENCHMARKS.md has the line behind");
    let plots: String = plots.iter().map(|(file, about)| format!("\n![{about}](benches/plots/{file})\n")).collect();
    let measured = format!("{BEGIN}\n{}\n\n{}\n{plots}\n{END}", circumstances(), table(rows));
    fs::write(path, format!("{before}{measured}{after}")).expect("BENCHMARKS.md can be written");
}

/// On what, by what, when, and how near the cores were.
fn circumstances() -> String {
    let mut line = peer::line_round_trip();
    let rounds: Vec<f64> = (0..9).map(|_| (line.run)(20_000).as_nanos() as f64 / 2e4).collect();
    let round_trip = median(&rounds);
    let state = if round_trip < 200.0 { "near" } else { "far" };
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "On {}, of {}, {cores} cores of {}, by {}. A cache line goes to the other core and back in {round_trip:.0} ns: \
         the cores are {state}.",
        said_by("date", &["+%Y-%m-%d"]),
        said_by("git", &["describe", "--always", "--dirty"]),
        model.map_or("an unknown processor", |(_, name)| name),
        said_by("rustc", &["--version"]),
    )
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(|_| format!("no {program}"), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
