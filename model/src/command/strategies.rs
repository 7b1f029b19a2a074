//! `viewchan strategies`: which strategy takes whose lock, as a table.

use super::print;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use viewchan_model::report::strategies::{explored, insert, table};
use viewchan_model::scenario::shipped;

/// Prints which strategy takes the owner's lock for what, as a Markdown table.
///
/// The table is not written by hand: it is what exploring all shipped scenarios saw. A file can have it between the lines
/// `<!-- strategies:begin -->` and `<!-- strategies:end -->`.
#[derive(clap::Args)]
#[command(
    after_help = "Exit status: 0 if the table is printed, written or up to date, 1 if the specification breaks a \
                        guarantee or the file's table is stale, 2 for bad input."
)]
pub(crate) struct Arguments {
    /// Replace the table in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    write: Option<PathBuf>,
    /// Compare with the table in this file, and print nothing.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    // Before the work: a wrong path is noticed at once.
    let path = arguments.write.as_ref().or(arguments.check.as_ref());
    let text = path.map(|path| read(path)).transpose()?;
    let table = match explored(&shipped()) {
        Ok(rows) => table(&rows),
        Err(broken) => {
            eprintln!("{broken}");
            return Ok(ExitCode::from(1));
        }
    };
    let (Some(path), Some(text)) = (path, text) else {
        return print(&(table + "\n")).map(|()| ExitCode::SUCCESS);
    };
    let renewed = insert(&text, &table).map_err(|error| format!("{}: {error}", path.display()))?;
    if renewed == text {
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.check.is_some() {
        let path = path.display();
        eprintln!("the table in {path} is stale: `viewchan strategies --write {path}` renews it");
        return Ok(ExitCode::from(1));
    }
    std::fs::write(path, renewed).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a file that has a place for the table.
fn read(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    insert(&text, "").map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text)
}
