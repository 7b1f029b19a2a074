//! Which lines of core and of the specification no suite reaches. `.ci/coverage` counts, this judges: each is in
//! `unreached.txt`, with its reason, and nothing else is.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What is judged. The facade's other backends are not in a build for real threads.
const JUDGED: [&str; 2] = ["core/src/", "model/src/spec/"];
/// Not judged: tests themselves.
const TESTS: &str = "/tests/";

/// How often each line of a file was reached, by the file's path from the root of the repository.
type Lines = BTreeMap<String, BTreeMap<usize, u64>>;

/// A line by its file and its text: numbers change with every edit.
type Place = (String, String);

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

/// The lines that were never reached.
fn unreached(lines: &Lines, text: impl Fn(&str) -> String) -> BTreeSet<Place> {
    let mut unreached = BTreeSet::new();
    for (file, lines) in lines {
        let text = text(file);
        let text: Vec<&str> = text.lines().collect();
        let missed = lines.iter().filter(|&(_, &times)| times == 0).map(|(&line, _)| text[line - 1].trim());
        // A brace that only ends what was not reached has nothing of its own.
        let missed = missed.filter(|line| line.chars().any(char::is_alphanumeric));
        unreached.extend(missed.map(|line| (file.clone(), line.to_owned())));
    }
    unreached
}

/// Reads the list of lines that may be unreached: reasons begin with `#`, files with `==`, what else stands there is a line.
fn listed(text: &str) -> BTreeSet<Place> {
    let mut listed = BTreeSet::new();
    let (mut file, mut has_reason) = (None, false);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(path) = line.strip_prefix("== ") {
            (file, has_reason) = (Some(path), false);
        } else if line.starts_with('#') {
            has_reason = true;
        } else {
            let file = file.unwrap_or_else(|| panic!("no file above {line:?}"));
            assert!(has_reason, "{file}: no reason above {line:?}");
            listed.insert((file.to_owned(), line.to_owned()));
        }
    }
    listed
}

/// What does not agree.
fn complaints(lines: &Lines, unreached: &BTreeSet<Place>, listed: &BTreeSet<Place>) -> String {
    let mut complaints = String::new();
    for of in JUDGED.iter().filter(|of| !lines.keys().any(|file| file.starts_with(**of))) {
        writeln!(complaints, "nothing was counted in {of}").expect("a string");
    }
    for (file, line) in unreached.difference(listed) {
        writeln!(complaints, "{file}: never reached, and not listed: {line}").expect("a string");
    }
    for (file, line) in listed.difference(unreached) {
        writeln!(complaints, "{file}: listed as unreached, and reached or gone: {line}").expect("a string");
    }
    complaints
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

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Judges the file that `VIEWCHAN_LCOV` names.
#[test]
#[ignore = "counts nothing itself: run .ci/coverage"]
fn every_unreached_line_has_a_reason() {
    let lcov = std::env::var_os("VIEWCHAN_LCOV").expect("VIEWCHAN_LCOV names what .ci/coverage has counted");
    let lines = counted(&read(lcov), &root());
    let unreached = unreached(&lines, |file| read(root().join(file)));
    print!("{}", summary(&lines));
    for (file, line) in &unreached {
        println!("unreached: {file}: {line}");
    }
    let complaints = complaints(&lines, &unreached, &listed(&read(root().join("tests/coverage/unreached.txt"))));
    assert!(complaints.is_empty(), "{complaints}");
}

const SOURCE: &str = "fn f() {\n    one();\n    two();\n}\n";
const LCOV: &str = "SF:/r/core/src/a.rs\nDA:1,1\nDA:2,3\nDA:3,0\nDA:4,0\nend_of_record\n\
                    SF:/r/model/src/spec/b.rs\nDA:1,1\nend_of_record\nSF:/r/model/src/job.rs\nDA:1,0\nend_of_record\n";

/// What is said of a report and a list.
fn judged(lcov: &str, list: &str) -> String {
    let lines = counted(lcov, Path::new("/r"));
    complaints(&lines, &unreached(&lines, |_| SOURCE.to_owned()), &listed(list))
}

#[test]
fn what_is_listed_may_be_unreached() {
    assert_eq!(judged(LCOV, "== core/src/a.rs\n# a reason\ntwo();\n"), "");
}

/// Planted: a line that lost its test, a list that is out of date, counters that counted nothing, a line without a reason.
#[test]
fn what_disagrees_is_noticed() {
    assert_eq!(judged(LCOV, ""), "core/src/a.rs: never reached, and not listed: two();\n");
    let stale = judged(LCOV, "== core/src/a.rs\n# a reason\none();\ntwo();\n");
    assert_eq!(stale, "core/src/a.rs: listed as unreached, and reached or gone: one();\n");
    let empty = judged("SF:/r/core/src/a.rs\nDA:1,1\n", "");
    assert_eq!(empty, "nothing was counted in model/src/spec/\n");
    assert!(std::panic::catch_unwind(|| listed("== core/src/a.rs\ntwo();\n")).is_err());
}
