//! Which strategy takes whose lock, and when: seen by exploration, written into the README.

use super::LockRow;
use super::table::markdown;
use crate::engine::strategy::available;
use crate::scenario::{Scenario, Strategy};
use crate::spec::{Exploration, Rules, explore};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::collections::BTreeSet;

/// The operations of the lock table.
const OPERATIONS: [&str; 7] = ["send", "receive", "clone", "slice", "read", "release", "last-release"];

/// The columns of the table of strategies, with the operations that each stands for.
const COLUMNS: [(&str, &[&str]); 4] = [
    // Of a slot: a peek, and further down the drop of a reading.
    ("receive", &["receive"]),
    ("clone / slice / read in the receiver", &["clone", "slice", "read"]),
    ("release, not the last", &["release"]),
    ("last release", &["last-release"]),
];

/// The line before the table in a file.
const BEGIN: &str = "<!-- strategies:begin -->";
/// The line behind it.
const END: &str = "<!-- strategies:end -->";

/// The causes of foreign acquisitions for each operation, over all explorations of a strategy. None if no exploration saw
/// an acquisition.
pub fn rows<'a>(strategy: Strategy, explorations: impl Iterator<Item = &'a Exploration>) -> Vec<LockRow> {
    let mut explored = false;
    let seen: BTreeSet<(String, String)> = explorations
        .inspect(|_| explored = true)
        .flat_map(|exploration| &exploration.lock_table)
        .map(|(operation, cause)| (operation.name().to_owned(), cause.to_string()))
        .collect();
    let row = |operation: &str| LockRow {
        strategy: strategy.name().to_owned(),
        operation: operation.to_owned(),
        causes: seen.iter().filter(|(of, _)| of == operation).map(|(_, cause)| cause.clone()).collect(),
    };
    if explored { OPERATIONS.iter().map(|operation| row(operation)).collect() } else { Vec::new() }
}

/// The rows of all strategies of this build, from exploring all scenarios that they are for.
///
/// # Errors
///
/// When a scenario breaks the specification: then what was seen is worth nothing.
pub fn explored(scenarios: &[Scenario]) -> Result<Vec<LockRow>, String> {
    let mut found = Vec::new();
    for strategy in available() {
        let concerned: Vec<_> = scenarios.iter().filter(|scenario| scenario.strategies.contains(&strategy)).collect();
        let explorations: Result<Vec<_>, String> =
            concerned.into_par_iter().map(|scenario| exploration(scenario, strategy)).collect();
        found.extend(rows(strategy, explorations?.iter()));
    }
    Ok(found)
}

fn exploration(scenario: &Scenario, strategy: Strategy) -> Result<Exploration, String> {
    let found = explore(&Rules::new(scenario, strategy), None).expect("no limit was set");
    match found.violation {
        None => Ok(found),
        Some(broken) => {
            let (name, strategy) = (&scenario.name, strategy.name());
            Err(format!("the specification itself breaks a guarantee on {name} under {strategy}: {}", broken.violation))
        }
    }
}

/// The table of strategies: a row for each that has rows, a column for each kind of operation.
pub fn table(rows: &[LockRow]) -> String {
    let mut header = vec!["strategy"];
    header.extend(COLUMNS.iter().map(|(title, _)| *title));
    let mut table = markdown(&header);
    for strategy in Strategy::ALL {
        let own: Vec<&LockRow> = rows.iter().filter(|row| row.strategy == strategy.name()).collect();
        if !own.is_empty() {
            let mut cells = vec![format!("`{}`", strategy.name())];
            cells.extend((0..COLUMNS.len()).map(|column| cell(strategy, column, &own)));
            table.add_row(cells);
        }
    }
    table.to_string()
}

/// Whether the operations of a column take a lock that is not the thread's own: that was explored. When exactly they do
/// is added in words, for the strategies for which it is not always.
fn cell(strategy: Strategy, column: usize, own: &[&LockRow]) -> String {
    let takes = |operation: &&str| own.iter().any(|row| row.operation == *operation && !row.causes.is_empty());
    if !COLUMNS[column].1.iter().any(takes) {
        return "none".to_owned();
    }
    let when = match (strategy, column) {
        (Strategy::Shared, 1) => " for each clone",
        (Strategy::Proxy, 0) => " for an interpreter's first reference",
        _ => "",
    };
    format!("owner's lock{when}")
}

/// The text of a file with the table between its markers.
///
/// # Errors
///
/// When the markers are not there, each once and in order.
pub fn insert(text: &str, table: &str) -> Result<String, String> {
    let problem = || format!("expected one line `{BEGIN}` and behind it one line `{END}`, with the table between them");
    let (before, rest) = text.split_once(BEGIN).ok_or_else(problem)?;
    let (_, after) = rest.split_once(END).ok_or_else(problem)?;
    if [before, rest].iter().any(|part| part.contains(BEGIN)) || after.contains(END) || before.contains(END) {
        return Err(problem());
    }
    Ok(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, LockRow, explored, insert, table};
    use crate::engine::strategy::available;
    use crate::scenario::{Strategy, shipped};

    const CREATION: &str = "view creation";
    const RELEASE: &str = "view release";

    /// DESIGN.md, section 4: for each strategy the causes of receive; of clone, slice and read; of release; of the last
    /// release.
    const DESIGN: [(Strategy, [&[&str]; 4]); 6] = [
        (Strategy::Shared, [&[CREATION], &[CREATION], &[RELEASE], &[RELEASE]]),
        (Strategy::Proxy, [&[CREATION], &[], &[], &[RELEASE]]),
        (Strategy::View, [&[CREATION], &[], &[], &[RELEASE]]),
        (Strategy::Handover, [&[], &[], &[], &[RELEASE]]),
        (Strategy::Deferred, [&[], &[], &[], &[]]),
        (Strategy::Epoch, [&[], &[], &[], &[]]),
    ];

    /// What exploration saw is what the design says: for each operation exactly these causes.
    #[test]
    fn the_explored_rows_are_those_of_the_design() {
        let rows = explored(&shipped()).expect("the specification holds");
        for (strategy, [receive, derive, release, last]) in DESIGN {
            if !available().contains(&strategy) {
                continue;
            }
            let causes = |operation: &str| {
                let is_it = |row: &&LockRow| row.strategy == strategy.name() && row.operation == operation;
                rows.iter().find(is_it).unwrap_or_else(|| panic!("{operation}")).causes.clone()
            };
            let name = strategy.name();
            assert_eq!(causes("send"), Vec::<String>::new(), "{name}");
            assert_eq!(causes("receive"), receive, "{name}");
            assert_eq!(causes("clone"), derive, "{name}");
            assert_eq!(causes("slice"), derive, "{name}");
            assert_eq!(causes("read"), Vec::<String>::new(), "{name}");
            assert_eq!(causes("release"), release, "{name}");
            assert_eq!(causes("last-release"), last, "{name}");
        }
    }

    fn row(strategy: Strategy, operation: &str, causes: &[&str]) -> LockRow {
        let causes = causes.iter().map(ToString::to_string).collect();
        LockRow { strategy: strategy.name().to_owned(), operation: operation.to_owned(), causes }
    }

    /// Words are added to a lock that was seen, and to nothing else.
    #[test]
    fn a_lock_that_was_not_seen_is_none() {
        let locks = |causes: &[&str]| {
            let rows = [row(Strategy::Proxy, "receive", causes), row(Strategy::Shared, "slice", causes)];
            table(&rows).lines().skip(2).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
        };
        let seen: Vec<String> = locks(&[CREATION]);
        assert_eq!(
            seen,
            [
                "| `shared` | none | owner's lock for each clone | none | none |",
                "| `proxy` | owner's lock for an interpreter's first reference | none | none | none |",
            ]
        );
        let unseen: Vec<String> = locks(&[]);
        assert_eq!(unseen, ["| `shared` | none | none | none | none |", "| `proxy` | none | none | none | none |"]);
    }

    #[test]
    fn the_table_goes_between_its_markers() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = format!("a\n{BEGIN}\nnew\n{END}\nb\n");
        assert_eq!(insert(&text, "new"), Ok(new.clone()));
        assert_eq!(insert(&new, "new"), Ok(new));
        for wrong in
            ["", BEGIN, END, &format!("{END}{BEGIN}"), &format!("{BEGIN}{BEGIN}{END}"), &format!("{BEGIN}{END}{END}")]
        {
            assert!(insert(wrong, "new").is_err(), "{wrong}");
        }
    }
}
