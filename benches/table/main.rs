//! The table of ratios: `cargo bench --bench table`.
//!
//! Ours and its peers take turns, several times over, so that what the machine does meanwhile meets all of them. A ratio is the
//! median of the ratios of these rounds. The rows about the checkers come from children that have loom or shuttle. Prints the
//! table, and writes it to `target/bench-table.json`; with `--write`, also to BENCHMARKS.md, with its plots.

#[path = "../work/mod.rs"]
#[allow(dead_code, reason = "the other benches have more of it")]
mod work;

mod checkers;
mod document;
mod measure;
mod plot;

use clap::Parser;
use measure::{Measured, measure, measure_busy};
use std::path::Path;
use std::process::ExitCode;

/// Measures ours beside its peers, and prints the table of ratios.
#[derive(Parser)]
struct Arguments {
    /// Only rows with these words in their names.
    words: Option<String>,
    /// How often ours and the peers take turns.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Put the table and the plots into BENCHMARKS.md. All rows are measured then.
    #[arg(long, conflicts_with = "words")]
    write: bool,
    /// End with 1 if a row misses its goal.
    #[arg(long)]
    strict: bool,
    /// What `cargo bench` says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    if !work::is_to_be_timed("table") {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::parse();
    let is_asked = |name: &str| arguments.words.as_deref().is_none_or(|words| name.contains(words));
    // First, since it may fail.
    let checkers = match checkers::measure(is_asked, arguments.rounds) {
        Ok(rows) => rows,
        Err(error) => {
            eprintln!("NO TABLE: {error}");
            return ExitCode::from(3);
        }
    };
    let mut table: Vec<Measured> = Vec::new();
    for row in work::rows().into_iter().filter(|row| is_asked(row.name)) {
        table.push(report(measure(row, arguments.rounds)));
    }
    if is_asked(measure::BUSY) {
        table.extend(measure_busy().into_iter().map(report));
    }
    table.extend(checkers.into_iter().map(report));
    if table.is_empty() {
        let words = arguments.words.unwrap_or_default();
        eprintln!("no row has these words in its name: {words}; the names are in the first column of BENCHMARKS.md");
        return ExitCode::from(2);
    }
    println!("\n{}", document::table(&table));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    document::write_json(&root.join("target/bench-table.json"), &table);
    if arguments.write {
        let plots = plot::draw(&root.join("benches/plots"));
        document::write_markdown(&root.join("BENCHMARKS.md"), &table, &plots);
    }
    let missed = table.iter().filter(|row| !row.met).count();
    println!("{} of {} rows meet their goal", table.len() - missed, table.len());
    if arguments.strict && missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Says what was measured, since all of it takes minutes.
fn report(row: Measured) -> Measured {
    eprintln!("{:<45} {:>10.4} {} {}", row.row, row.ratio, row.goal, if row.met { "" } else { "MISSED" });
    row
}
