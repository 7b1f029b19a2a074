//! `viewchan litmus`: each lock-free step of the protocol as a litmus test for herd7.

use std::path::PathBuf;
use std::process::ExitCode;
use viewchan_model::litmus::catalogue::LITMUS;
use viewchan_model::litmus::{Orderings, TARGETS};

/// Writes each lock-free step of the protocol as a litmus test for herd7.
///
/// The orderings are those that ship. For each test there are files for C11 (models c11_partialSC.cat and rc11.cat) and for
/// AArch64 (model aarch64.cat), with the instructions of Armv8.0, and with newer ones. `exists` is what must not happen;
/// neither must a data race, of which herd7 says "Undef".
#[derive(clap::Args)]
#[command(after_help = "Exit status: 0 if the files are written, 2 for bad input.")]
pub(crate) struct Arguments {
    /// Write to this directory, which is made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Weaken the access of this name, to this ordering: acquire, release, or relaxed if none is given.
    #[arg(long, value_name = "SITE[=ORDERING]", value_parser = Orderings::weakened)]
    weaken: Option<Orderings>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let directory = &arguments.out;
    std::fs::create_dir_all(directory).map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
    for litmus in LITMUS {
        for target in TARGETS {
            let path = directory.join(target.file(litmus));
            let text = target.write(litmus, arguments.weaken.unwrap_or(Orderings::Shipped));
            std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
