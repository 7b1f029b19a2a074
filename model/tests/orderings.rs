//! Every memory ordering and every wake-up of the protocol is needed: broken one at a time, loom notices each. SPEC.md
//! has a line for each, and none for what is not there.
#![cfg(feature = "loom")]

mod common;

use common::{complaints, run_under};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use viewchan::sync::site::{ACCESSES, DELAYS, WAKE_UPS};
use viewchan_model::fault::{CODE_FAULTS, CodeFault, How};
use viewchan_model::job::Task;
use viewchan_model::scenario::Strategy;

/// Sites that cannot be broken, and why. Only what is `Relaxed` already can stand here.
const HARMLESS: &[(&str, &str)] = &[
    ("view-clone", "the cloner is counted itself, and publishes nothing"),
    ("return-pop", "what is on the list was made readable by the look, and only one thread at a time takes"),
    ("unattend", "an errand is taken behind a look that saw it given up, and nobody takes it while somebody attends"),
    ("count-look", "the exchange that follows decides"),
    ("proxy-join", "the proxy was found under the mutex of the table"),
    ("life-end", "who waits is woken under a mutex"),
    ("life-look", "who looks too early is woken, or has looked before the end"),
    ("epoch-last", "the mutex under which holders are counted orders it"),
];

/// Halves of an ordering that no model can show to be needed, and why they stay.
const HIDDEN: &[(&str, Ordering, &str)] = &[(
    "epoch-publish",
    Ordering::Release,
    "two publishers meet at the mutex of loom's model of guards as well; crossbeam-epoch has none: the litmus test \
     published-twice shows it",
)];

/// The names of all sites.
fn sites() -> Vec<&'static str> {
    let accesses = ACCESSES.iter().map(|access| access.name);
    let wake_ups = WAKE_UPS.iter().map(|wake_up| wake_up.name);
    accesses.chain(wake_ups).chain(DELAYS.iter().map(|delay| delay.name)).collect()
}

/// The faults that break a site, with the site.
fn site_faults() -> impl Iterator<Item = (&'static str, CodeFault)> {
    CODE_FAULTS.iter().filter_map(|&fault| match fault.how {
        How::Site(site) | How::Half(site, _) => Some((site, fault)),
        How::Strategy => None,
    })
}

fn is_harmless(site: &str) -> bool {
    HARMLESS.iter().any(|&(harmless, _)| harmless == site)
}

/// The code under test is built on loom, else no site can be broken.
#[test]
fn the_backend_is_loom() {
    assert_eq!(viewchan::sync::BACKEND, "loom");
}

/// Each site has a name of its own.
#[test]
fn names_are_unique() {
    let sites = sites();
    assert_eq!(sites.iter().collect::<BTreeSet<_>>().len(), sites.len(), "{sites:?}");
}

/// Every site is either broken by a fault, or exempt; never neither, never both.
#[test]
fn every_site_has_a_fault_or_a_reason() {
    let broken: BTreeSet<&str> = site_faults().map(|(site, _)| site).collect();
    for site in sites() {
        assert_ne!(broken.contains(site), is_harmless(site), "{site}");
    }
    let known: BTreeSet<&str> = sites().into_iter().collect();
    for site in broken.into_iter().chain(HARMLESS.iter().map(|&(site, _)| site)) {
        assert!(known.contains(site), "there is no site {site}");
    }
}

/// An ordering that is two in one has a fault for each: neither half goes without.
#[test]
fn each_half_of_an_ordering_has_a_fault() {
    for site in ACCESSES.iter().filter(|site| site.ordering == Ordering::AcqRel) {
        for half in [Ordering::Acquire, Ordering::Release] {
            let is_tried = CODE_FAULTS.iter().any(|fault| fault.how == How::Half(site.name, half));
            let is_hidden = HIDDEN.iter().any(|&(name, hidden, _)| (name, hidden) == (site.name, half));
            assert_ne!(is_tried, is_hidden, "{} as {half:?}", site.name);
        }
    }
}

/// An ordering stronger than `Relaxed` has no excuse, nor has a wake-up.
#[test]
fn only_what_is_relaxed_is_exempt() {
    for &(site, reason) in HARMLESS {
        let access = ACCESSES.iter().find(|access| access.name == site);
        assert_eq!(access.map(|access| access.ordering), Some(Ordering::Relaxed), "{site}: {reason}");
    }
}

/// Each broken site is refuted on its fault's scenario, by what the fault says.
#[test]
fn every_broken_site_is_noticed() {
    for (site, fault) in site_faults() {
        let run = run_under(fault.strategy, fault.scenario, &Task::Fault { name: fault.name });
        let complaints = complaints(&run);
        assert!(complaints.iter().any(|why| why.contains(fault.says)), "{site}: {complaints:?}");
    }
}

/// The scenario of each fault passes as long as the site is whole: it is the site that is noticed.
#[test]
fn the_scenarios_pass_while_the_sites_are_whole() {
    let places: BTreeSet<(&str, &str)> =
        site_faults().map(|(_, fault)| (fault.scenario, fault.strategy.name())).collect();
    for (scenario, strategy) in places {
        let strategy = Strategy::from_name(strategy).expect("it is its name");
        let run = run_under(strategy, scenario, &Task::Loom { mode: "rmw" });
        assert!(run.violations.is_empty() && run.agrees_with_spec && run.executions > 0, "{run:#?}");
    }
}

/// The lists are complete: each constant that the file of sites declares is in one of them.
#[test]
fn every_declared_site_is_listed() {
    let source = std::fs::read_to_string(core().join("sync/site.rs")).expect("a source file");
    let declared = source.lines().filter(|line| line.starts_with("pub const")).filter_map(|line| {
        let call = ["= access(\"", "= wake_up(\"", "= delay(\""].iter().find_map(|call| line.split_once(call))?.1;
        call.split_once('"').map(|(name, _)| name)
    });
    assert_eq!(declared.collect::<Vec<_>>(), sites());
}

/// No ordering stands outside the facade: the protocol names its sites and nothing else.
#[test]
fn the_protocol_names_no_ordering() {
    for file in sources(&core()).iter().filter(|file| !file.starts_with(core().join("sync"))) {
        let text = std::fs::read_to_string(file).expect("a source file");
        let names = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"].map(|name| format!("Ordering::{name}"));
        assert!(!names.iter().any(|name| text.contains(name)), "{}", file.display());
    }
}

/// There is no fence that could be left away.
#[test]
fn there_is_no_fence() {
    for file in sources(&core()) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        assert!(!text.contains("fence("), "{}", file.display());
    }
}

/// The sources of the protocol.
fn core() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src")
}

/// The Rust files in a directory and below.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    let below: Vec<_> = paths.iter().filter(|path| path.is_dir()).flat_map(|path| sources(path)).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths.extend(below);
    paths
}

/// A row of SPEC.md's table of orderings.
struct Row {
    site: String,
    rest: String,
}

/// The rows of the tables between `## Orderings` and the next heading of that level.
fn rows(text: &str) -> Vec<Row> {
    let section = text.lines().skip_while(|line| line.trim_end() != "## Orderings").skip(1);
    let section = section.take_while(|line| !line.starts_with("## "));
    let row = |line: &str| {
        let (site, rest) = line.strip_prefix("| `")?.split_once("` |")?;
        Some(Row { site: site.to_owned(), rest: rest.trim().to_owned() })
    };
    section.filter_map(row).collect()
}

fn specified() -> Vec<Row> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../SPEC.md");
    rows(&std::fs::read_to_string(file).expect("SPEC.md is in the root of the repository"))
}

/// SPEC.md has one line for each site, in the same order, and none for anything else.
#[test]
fn the_specification_lists_exactly_the_sites() {
    let listed: Vec<String> = specified().into_iter().map(|row| row.site).collect();
    assert_eq!(listed, sites());
}

/// The line of an access begins with the ordering that ships, that of a wake-up with what it calls.
#[test]
fn the_specification_has_the_orderings_that_ship() {
    for Row { site, rest } in specified() {
        match ACCESSES.iter().find(|access| access.name == site) {
            Some(access) => assert!(rest.starts_with(&format!("`{:?}`", access.ordering)), "{site}: {rest}"),
            None if DELAYS.iter().any(|delay| delay.name == site) => {
                assert!(rest.starts_with("delay"), "{site}: {rest}")
            }
            None => assert!(rest.starts_with("`notify_"), "{site}: {rest}"),
        }
    }
}

/// The line of a broken site names the fault that breaks it and the scenario that notices.
#[test]
fn the_specification_names_what_shows_the_need() {
    let specified = specified();
    for (site, fault) in site_faults() {
        let row = specified.iter().find(|row| row.site == site).unwrap_or_else(|| panic!("{site} has no line"));
        let names = format!("{}, on {}", fault.name, fault.scenario);
        assert!(row.rest.contains(&names), "{site}: {names:?} is missing in {}", row.rest);
    }
}

/// The reader of that table reads its section only.
#[test]
fn only_the_rows_of_the_section_are_read() {
    let text = "| `before` | x |\n## Orderings\n\n| site | why |\n| --- | --- |\n| `one` | x |\n### Wake-ups\n\
                | `two` | `x` |\n## Next\n| `after` | x |\n";
    let rows: Vec<_> = rows(text).into_iter().map(|row| (row.site, row.rest)).collect();
    assert_eq!(rows, [("one", "x |"), ("two", "`x` |")].map(|(site, rest)| (site.to_owned(), rest.to_owned())));
}
