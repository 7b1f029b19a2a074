//! The parts of a check, put together: one report, as if it had never been split.

use super::{FaultRun, Guarantee, LockRow, Part, Report, Run};
use crate::scenario::Strategy;
use std::collections::BTreeMap;

/// A part's report, under the name that messages give it: its file's.
pub type Named = (String, Report);

/// The whole report.
///
/// # Errors
///
/// When a report is no part, belongs to another check than the first, is there twice or is missing, or does not hold what
/// it says it holds. The message names the file.
pub fn merge(reports: &[Named]) -> Result<Report, String> {
    let (first_name, first) = reports.first().ok_or("there is nothing to merge")?;
    let first_part = part(first_name, first)?;
    let mut parts: BTreeMap<usize, &str> = BTreeMap::new();
    for (name, report) in reports {
        let part = part(name, report)?;
        if let Some(difference) = difference((first, first_part), (report, part)) {
            return Err(format!("{name}: is not of the same check as {first_name}: {difference}"));
        }
        if let Some(other) = parts.insert(part.shard, name) {
            return Err(format!("{name}: shard {} of {} is there already, in {other}", part.shard, part.of));
        }
    }
    if let Some(missing) = (1..=first_part.of).find(|shard| !parts.contains_key(shard)) {
        return Err(format!("shard {missing} of {} is missing", first_part.of));
    }
    Ok(Report {
        schema: first.schema,
        version: first.version.clone(),
        runs: runs(reports, first_part.whole.runs)?,
        guarantees: Guarantee::all(&faults(reports, first_part.whole.faults)?),
        locks: locks(reports),
        missing_witnesses: missing_witnesses(reports),
        part: None,
    })
}

fn part<'a>(name: &str, report: &'a Report) -> Result<&'a Part, String> {
    report.part.as_ref().ok_or_else(|| format!("{name}: is no part of a check: it was written without --shard"))
}

/// What tells a part's check from another's.
fn difference((first, part): (&Report, &Part), (other, other_part): (&Report, &Part)) -> Option<String> {
    let (whole, other_whole) = (&part.whole, &other_part.whole);
    let properties = [
        ("schema", first.schema.to_string(), other.schema.to_string()),
        ("version", first.version.clone(), other.version.clone()),
        ("number of parts", part.of.to_string(), other_part.of.to_string()),
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

fn runs(reports: &[Named], of: usize) -> Result<Vec<Run>, String> {
    let places = |report: &Report| report.part.as_ref().map(|part| part.runs.clone()).unwrap_or_default();
    in_place(reports, "run", of, |report| (places(report), report.runs.clone()))
}

fn faults(reports: &[Named], of: usize) -> Result<Vec<(String, FaultRun)>, String> {
    let places = |report: &Report| report.part.as_ref().map(|part| part.faults.clone()).unwrap_or_default();
    let tried = |report: &Report| {
        let of = |guarantee: &Guarantee| {
            let id = guarantee.id.clone();
            guarantee.faults.iter().map(move |fault| (id.clone(), fault.clone())).collect::<Vec<_>>()
        };
        report.guarantees.iter().flat_map(of).collect()
    };
    in_place(reports, "fault", of, |report| (places(report), tried(report)))
}

/// The items of all reports in the order of the whole: each place is taken once.
fn in_place<T>(
    reports: &[Named],
    kind: &str,
    of: usize,
    items: impl Fn(&Report) -> (Vec<usize>, Vec<T>),
) -> Result<Vec<T>, String> {
    let mut whole = BTreeMap::new();
    for (name, report) in reports {
        let (places, items) = items(report);
        if places.len() != items.len() {
            return Err(format!("{name}: has {} {kind}s, and places for {}", items.len(), places.len()));
        }
        for (place, item) in places.into_iter().zip(items) {
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
fn locks(reports: &[Named]) -> Vec<LockRow> {
    let mut merged: Vec<LockRow> = Vec::new();
    for row in reports.iter().flat_map(|(_, report)| &report.locks) {
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
fn missing_witnesses(reports: &[Named]) -> Vec<String> {
    let [(_, first), others @ ..] = reports else { return Vec::new() };
    let is_missed = |name: &&String| others.iter().all(|(_, report)| report.missing_witnesses.contains(name));
    first.missing_witnesses.iter().filter(is_missed).cloned().collect()
}
