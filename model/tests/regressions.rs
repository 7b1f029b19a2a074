//! Scenarios that were generated, failed once, and were kept: `model/regressions`.

mod common;

use common::{text, viewchan};
use std::path::{Path, PathBuf};

/// The files.
fn kept() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let entries = std::fs::read_dir(directory).expect("the directory of regressions is readable");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry is readable").path()).collect();
    files.sort();
    files
}

/// Each passes, on all engines of this build and under all its strategies.
#[test]
fn what_failed_once_passes() {
    assert!(!kept().is_empty(), "there is nothing to replay");
    let output = viewchan(&["check", "--rounds", "50"]).args(kept()).output().expect("the command starts");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
}
