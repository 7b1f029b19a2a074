//! Rules of this house that a compiler does not know, as tests over the sources of `core`.

#[path = "common/files.rs"]
mod files;

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file of `core`, with its path below `core/src`.
fn sources() -> Vec<(PathBuf, String)> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(files::root().join(&path)).expect("a source file");
        (path.strip_prefix("core/src").expect("below core/src").to_owned(), text)
    };
    let files: Vec<_> = files::below("core/src").into_iter().map(read).collect();
    assert!(files.len() > 15, "the sources of core were not found");
    files
}

/// The lines of all sources for which `is_wrong` holds, as `file:line: text`.
fn offenders(in_file: impl Fn(&Path) -> bool, is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| in_file(path)) {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| is_wrong(line)) {
            found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
        }
    }
    found
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Loom sees only what comes from the facade: no lock, condition or atomic from elsewhere.
#[test]
fn synchronisation_comes_from_the_facade() {
    let elsewhere = |path: &Path| !path.starts_with("sync");
    let foreign =
        ["std::sync", "core::sync", "parking_lot", "crossbeam", "loom::", "std::thread::", "core::cell::UnsafeCell"];
    let is_foreign = |line: &str| !is_comment(line) && foreign.iter().any(|name| line.contains(name));
    assert_eq!(offenders(elsewhere, is_foreign), Vec::<String>::new());
}

/// What the checkers explore is what ships: conditional compilation only chooses backends and the twin of `trace`.
#[test]
fn protocol_has_no_conditional_compilation() {
    let protocol = |path: &Path| !path.starts_with("sync") && !path.starts_with("trace") && path != Path::new("lib.rs");
    let is_conditional = |line: &str| !is_comment(line) && (line.contains("cfg(") || line.contains("cfg!("));
    assert_eq!(offenders(protocol, is_conditional), Vec::<String>::new());
}

/// Each atomic access of the protocol names a site, and has an ORDERING comment in the lines above it.
#[test]
fn atomic_accesses_say_their_ordering() {
    let accesses = [".fetch_add(", ".fetch_sub(", ".load(", ".store(", ".compare_exchange"];
    let mut found = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            // The facade passes on the site that its caller explains.
            let passes_on = line.contains("self.0.") && line.contains("site");
            if is_comment(line) || passes_on || !accesses.iter().any(|access| line.contains(access)) {
                continue;
            }
            let above = &lines[number.saturating_sub(8)..number];
            if !above.iter().any(|line| line.contains("ORDERING:")) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// A source file is one thing: past 400 lines it asks to be two.
#[test]
fn files_are_short() {
    let long = |(path, text): (PathBuf, String)| {
        let lines = text.lines().count();
        (lines > 400).then(|| format!("{}: {lines} lines", path.display()))
    };
    assert_eq!(sources().into_iter().filter_map(long).collect::<Vec<_>>(), Vec::<String>::new());
}
