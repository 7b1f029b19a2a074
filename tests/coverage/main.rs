//! Which lines of core and of the specification no suite reaches. `.ci/coverage` counts; this names them, and judges whether
//! the count can be trusted: every file was counted, and in none was nothing reached.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

#[path = "../common/files.rs"]
mod files;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// What is judged.
const JUDGED: [&str; 2] = ["core/src/", "model/src/spec/"];
/// Not judged: tests themselves.
const TESTS: &str = "/tests/";
/// Not counted: backends that are not in a build for real threads.
const OTHER_BACKENDS: [&str; 4] =
    ["core/src/sync/checker.rs", "core/src/sync/epoch/checker.rs", "core/src/sync/loom.rs", "core/src/sync/shuttle.rs"];
/// Not counted: declarations, and what is done when the compiler has run.
const DECLARATIONS: [&str; 10] = [
    "core/src/channel/mod.rs",
    "core/src/lib.rs",
    "core/src/reference/mod.rs",
    "core/src/strategy/mod.rs",
    "core/src/sync/epoch/mod.rs",
    "core/src/sync/mod.rs",
    "core/src/sync/site.rs",
    "core/src/trace/mod.rs",
    "core/src/trace/off.rs",
    "model/src/spec/mod.rs",
];

/// How often each line of a file was reached, by the file's path from the root of the repository.
type Lines = BTreeMap<String, BTreeMap<usize, u64>>;

/// Reads what `cargo llvm-cov --lcov` writes, of the files that are judged.
fn counted(lcov: &str, root: &Path) -> Lines {
    let mut lines = Lines::new();
    let mut file = None;
    for record in lcov.lines() {
        if let Some(path) = record.strip_prefix("SF:") {
            let path = Path::new(path).strip_prefix(root).ok().and_then(Path::to_str);
            let is_judged = |path: &&str| JUDGED.iter().any(|of| path.starts_with(of)) && !path.contains(TESTS);
            file = path.filter(is_judged).map(|path| lines.entry(path.to_owned()).or_default());
        } else if let (Some(file), Some(count)) = (file.as_mut(), record.strip_prefix("DA:")) {
            let (line, times) = count.split_once(',').expect("a line and a count");
            let times: u64 = times.parse().expect("a count");
            *file.entry(line.parse().expect("a line")).or_default() += times;
        }
    }
    lines
}

/// What shows that the count is not one of these files.
fn complaints(lines: &Lines, files: &[impl AsRef<str>]) -> String {
    let mut complaints = String::new();
    for file in files.iter().map(AsRef::as_ref) {
        let what = match lines.get(file) {
            None => "was not counted",
            Some(lines) if lines.values().all(|&times| times == 0) => "was never reached",
            Some(_) => continue,
        };
        writeln!(complaints, "{file} {what}").expect("a string");
    }
    complaints
}

/// The lines that were never reached, with their text. A brace that only ends one has nothing of its own.
fn unreached(lines: &Lines, text: impl Fn(&str) -> String) -> String {
    let mut named = String::new();
    for (file, lines) in lines {
        let text = text(file);
        let text: Vec<&str> = text.lines().collect();
        let missed = lines.iter().filter(|&(_, &times)| times == 0).map(|(&line, _)| (line, text[line - 1].trim()));
        for (line, text) in missed.filter(|(_, text)| text.chars().any(char::is_alphanumeric)) {
            writeln!(named, "unreached: {file}:{line}: {text}").expect("a string");
        }
    }
    named
}

/// How many of the lines were reached.
fn summary(lines: &Lines) -> String {
    let mut summary = String::new();
    for of in JUDGED {
        let counts = || lines.iter().filter(|(file, _)| file.starts_with(of)).flat_map(|(_, lines)| lines.values());
        let (all, reached) = (counts().count(), counts().filter(|&&times| times > 0).count());
        writeln!(summary, "{of}: {reached} of {all} lines reached").expect("a string");
    }
    summary
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file that must have been counted, by its path from the root.
fn files() -> Vec<String> {
    let paths = JUDGED.iter().flat_map(|folder| files::below(folder));
    let names = paths.map(|path| path.into_os_string().into_string().expect("a name in UTF-8"));
    let is_left_out =
        |file: &str| OTHER_BACKENDS.contains(&file) || DECLARATIONS.contains(&file) || file.contains(TESTS);
    names.filter(|file| !is_left_out(file)).collect()
}

/// Judges the file that `VIEWCHAN_LCOV` names.
#[test]
#[ignore = "counts nothing itself: run .ci/coverage"]
fn every_unreached_line_is_named() {
    let lcov = std::env::var_os("VIEWCHAN_LCOV").expect("VIEWCHAN_LCOV names what .ci/coverage has counted");
    let lines = counted(&read(lcov), files::root());
    print!("{}{}", unreached(&lines, |file| read(files::root().join(file))), summary(&lines));
    let complaints = complaints(&lines, &files());
    assert!(complaints.is_empty(), "{complaints}");
}

const LCOV: &str = "SF:/r/core/src/a.rs\nDA:1,1\nDA:2,3\nDA:3,0\nDA:4,0\nend_of_record\n\
                    SF:/r/model/src/spec/b.rs\nDA:1,0\nend_of_record\nSF:/r/model/src/job.rs\nDA:1,0\nend_of_record\n";

/// Planted: a line that no test reaches, a file that none does, one that was not counted, and a report about nothing.
#[test]
fn what_is_missing_is_noticed() {
    let source = "fn f() {\n    one();\n    two();\n}\n";
    let lines = counted(LCOV, Path::new("/r"));
    let named = unreached(&lines, |_| source.to_owned());
    assert_eq!(named, "unreached: core/src/a.rs:3: two();\nunreached: model/src/spec/b.rs:1: fn f() {\n");
    assert_eq!(summary(&lines), "core/src/: 2 of 4 lines reached\nmodel/src/spec/: 0 of 1 lines reached\n");
    assert_eq!(complaints(&lines, &["core/src/a.rs"]), "");
    let all = complaints(&lines, &["core/src/a.rs", "core/src/c.rs", "model/src/spec/b.rs"]);
    assert_eq!(all, "core/src/c.rs was not counted\nmodel/src/spec/b.rs was never reached\n");
    let elsewhere = counted(LCOV, Path::new("/other"));
    assert_eq!(complaints(&elsewhere, &["core/src/a.rs"]), "core/src/a.rs was not counted\n");
}
