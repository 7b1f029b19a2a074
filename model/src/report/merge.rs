//! The parts of a check, put together: one report, as if it had never been split.

use super::{FaultRun, Guarantee, LockRow, Part, Report};
use crate::scenario::Strategy;
use std::collections::BTreeMap;

/// A part's report, under the name that messages give it: its file's.
pub type Named = (String, Report);

/// A report that says of itself which part it is.
struct Read<'a> {
    name: &'a str,
    report: &'a Report,
    part: &'a Part,
}

/// The whole report.
///
/// # Errors
///
/// When a report is no part, belongs to another check than the first, is there twice or is missing, or does not hold what
/// it says it holds. The message names the file.
pub fn merge(reports: &[Named]) -> Result<Report, String> {
    let parts = reports.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let first = parts.first().ok_or("there is nothing to merge")?;
    let mut names: BTreeMap<usize, &str> = BTreeMap::new();
    for other in &parts {
        let Read { name, part, .. } = other;
        if let Some(difference) = difference(first, other) {
            return Err(format!("{name}: is not of the same check as {}: {difference}", first.name));
        }
        if let Some(twin) = names.insert(part.shard, name) {
            return Err(format!("{name}: shard {} of {} is there already, in {twin}", part.shard, part.of));
        }
    }
    if let Some(missing) = (1..=first.part.of).find(|shard| !names.contains_key(shard)) {
        return Err(format!("shard {missing} of {} is missing", first.part.of));
    }
    let whole = &first.part.whole;
    Ok(Report {
        schema: first.report.schema,
        version: first.report.version.clone(),
        runs: in_place(&parts, "run", whole.runs, |read| (&read.part.runs, read.report.runs.clone()))?,
        guarantees: Guarantee::all(&in_place(&parts, "fault", whole.faults, |read| (&read.part.faults, tried(read)))?),
        locks: locks(&parts),
        missing_witnesses: missing_witnesses(&parts),
        part: None,
    })
}

fn read((name, report): &Named) -> Result<Read<'_>, String> {
    match &report.part {
        Some(part) => Ok(Read { name, report, part }),
        None => Err(format!("{name}: is no part of a check: it was written without --shard")),
    }
}

/// What tells a part's check from another's.
fn difference(first: &Read<'_>, other: &Read<'_>) -> Option<String> {
    let (whole, other_whole) = (&first.part.whole, &other.part.whole);
    let properties = [
        ("schema", first.report.schema.to_string(), other.report.schema.to_string()),
        ("version", first.report.version.clone(), other.report.version.clone()),
        ("number of parts", first.part.of.to_string(), other.part.of.to_string()),
        ("engines", whole.engines.join(","), other_whole.engines.join(",")),
        ("strategies", whole.strategies.join(","), other_whole.strategies.join(",")),
        ("rounds", whole.rounds.to_string(), other_whole.rounds.to_string()),
        ("schedulers", whole.samplings.join(","), other_whole.samplings.join(",")),
        ("number of runs", whole.runs.to_string(), other_whole.runs.to_string()),
        ("number of faults", whole.faults.to_string(), other_whole.faults.to_string()),
        ("digest of scenarios and golden counts", whole.digest.clone(), other_whole.digest.clone()),
    ];
    let differs = properties.into_iter().find(|(_, ours, theirs)| ours != theirs);
    differs.map(|(what, ours, theirs)| format!("its {what} is {theirs} instead of {ours}"))
}

/// The faults of a part, guarantee by guarantee.
fn tried(read: &Read<'_>) -> Vec<(String, FaultRun)> {
    let of = |guarantee: &Guarantee| {
        let id = guarantee.id.clone();
        guarantee.faults.iter().map(move |fault| (id.clone(), fault.clone())).collect::<Vec<_>>()
    };
    read.report.guarantees.iter().flat_map(of).collect()
}

/// The items of all parts in the order of the whole: each place is taken once.
fn in_place<'a, T>(
    parts: &[Read<'a>],
    kind: &str,
    of: usize,
    items: impl Fn(&Read<'a>) -> (&'a Vec<usize>, Vec<T>),
) -> Result<Vec<T>, String> {
    let mut whole = BTreeMap::new();
    for read in parts {
        let (name, (places, items)) = (read.name, items(read));
        if places.len() != items.len() {
            return Err(format!("{name}: has {} {kind}s, and places for {}", items.len(), places.len()));
        }
        for (&place, item) in places.iter().zip(items) {
            if place >= of || whole.insert(place, item).is_some() {
                return Err(format!("{name}: {kind} {place} of {of} is there twice, or too many"));
            }
        }
    }
    match (0..of).find(|place| !whole.contains_key(place)) {
        Some(missing) => Err(format!("{kind} {missing} of {of} is in no part")),
        None => Ok(whole.into_values().collect()),
    }
}

/// An operation has every cause that some part saw.
fn locks(parts: &[Read<'_>]) -> Vec<LockRow> {
    let mut merged: Vec<LockRow> = Vec::new();
    for row in parts.iter().flat_map(|read| &read.report.locks) {
        match merged.iter_mut().find(|of| (&of.strategy, &of.operation) == (&row.strategy, &row.operation)) {
            Some(of) => {
                of.causes.extend(row.causes.iter().cloned());
                of.causes.sort();
                of.causes.dedup();
            }
            None => merged.push(row.clone()),
        }
    }
    // Strategy by strategy: a part need not have seen all of them.
    merged.sort_by_key(|row| Strategy::from_name(&row.strategy));
    merged
}

/// What no part reached.
fn missing_witnesses(parts: &[Read<'_>]) -> Vec<String> {
    let [first, others @ ..] = parts else { return Vec::new() };
    let is_missed = |name: &&String| others.iter().all(|read| read.report.missing_witnesses.contains(name));
    first.report.missing_witnesses.iter().filter(is_missed).cloned().collect()
}
