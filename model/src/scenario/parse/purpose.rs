//! What a scenario is for: its strategies, those that are explored bounded, the defect and the fault that it shows.

use std::collections::BTreeMap;

use toml::Spanned;

use super::error::{Checked, Problem};
use super::file::{File, TierName};
use super::{declare, words};
use crate::scenario::{Strategy, Undelivered};
use crate::spec::Fault;

/// The defects of CPython that have a number: `D1` up to this one.
const DEFECTS: usize = 14;

/// The strategies, in the order of [`Strategy::ALL`]. Without the key: those that can differ on it.
pub(super) fn check_strategies(file: &File) -> Checked<Vec<Strategy>> {
    if let Some(slot) = file.slot.first() {
        return check_slot_strategy(file, slot.name.get_ref());
    }
    let Some(names) = &file.strategies else {
        return Ok(if file.buffer.is_empty() { vec![Strategy::View] } else { Strategy::OF_CHANNELS.to_vec() });
    };
    if names.get_ref().is_empty() {
        return Err(Problem::new(names.span().start, "`strategies` is empty; expected at least one, or no such key"));
    }
    let mut chosen = Vec::new();
    for name in names.get_ref() {
        let strategy = check_strategy("`strategies`", name)?;
        if chosen.contains(&strategy) {
            let message = format!("`{}` twice in `strategies`; expected it once", strategy.name());
            return Err(Problem::new(name.span().start, message));
        }
        chosen.push(strategy);
    }
    chosen.sort_unstable();
    Ok(chosen)
}

/// A slot has one strategy, which the key may name.
fn check_slot_strategy(file: &File, slot: &str) -> Checked<Vec<Strategy>> {
    let epoch = Strategy::Epoch.name();
    match &file.strategies {
        Some(names) if names.get_ref().iter().map(Spanned::get_ref).ne([epoch]) => {
            let message = format!("`strategies` beside the slot `{slot}`; expected [\"{epoch}\"], or no such key");
            Err(Problem::new(names.span().start, message))
        }
        _ => Ok(vec![Strategy::Epoch]),
    }
}

fn check_strategy(key: &str, name: &Spanned<String>) -> Checked<Strategy> {
    let known = Strategy::OF_CHANNELS.iter().map(|strategy| strategy.name());
    let index = words::find("strategy", name.get_ref(), known)
        .map_err(|message| Problem::new(name.span().start, format!("{key}: {message}")))?;
    Ok(Strategy::OF_CHANNELS[index])
}

/// The preemptions of strategies that are explored bounded, though the scenario's tier is exhaustive.
pub(super) fn check_bounded_for(file: &File, strategies: &[Strategy]) -> Checked<BTreeMap<Strategy, usize>> {
    let Some(table) = &file.bounded_for else { return Ok(BTreeMap::new()) };
    if let TierName::Bounded = file.tier.get_ref() {
        let message = "`bounded-for` in tier `bounded`; expected it only in tier `exhaustive`";
        return Err(Problem::new(table.span().start, message));
    }
    let mut bounds = BTreeMap::new();
    for (name, preemptions) in table.get_ref() {
        let strategy = match (name.get_ref(), strategies) {
            (name, [only @ Strategy::Epoch]) if name == only.name() => *only,
            _ => check_strategy("`bounded-for`", name)?,
        };
        if !strategies.contains(&strategy) {
            let message = format!(
                "`bounded-for`: the scenario is not for `{}`; expected a strategy of `strategies`",
                strategy.name()
            );
            return Err(Problem::new(name.span().start, message));
        }
        bounds.insert(strategy, declare::check_preemptions(strategy.name(), preemptions)?);
    }
    Ok(bounds)
}

/// The defect of CPython: `D1` to `D14`.
pub(super) fn check_defect(file: &File) -> Checked<Option<String>> {
    let Some(defect) = &file.defect else { return Ok(None) };
    let known: Vec<String> = (1..=DEFECTS).map(|number| format!("D{number}")).collect();
    if !known.contains(defect.get_ref()) {
        let message = format!("`defect = \"{}\"`; expected `D1` to `D{DEFECTS}`", defect.get_ref());
        return Err(Problem::new(defect.span().start, message));
    }
    Ok(Some(defect.get_ref().clone()))
}

/// The fault that breaks its guarantee on this scenario.
pub(super) fn check_fault(file: &File) -> Checked<Option<String>> {
    let Some(fault) = &file.fault else { return Ok(None) };
    if Fault::from_name(fault.get_ref()).is_none() {
        let hint =
            words::did_you_mean(fault.get_ref(), &Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>());
        let message = format!(
            "`fault`: unknown fault `{}`; expected a fault of the specification, as `viewchan list faults` shows them{hint}",
            fault.get_ref()
        );
        return Err(Problem::new(fault.span().start, message));
    }
    Ok(Some(fault.get_ref().clone()))
}

/// A policy about messages whose owner ends, in a key or in a step.
pub(super) fn find_policy(name: &str) -> Result<Undelivered, String> {
    let known = Undelivered::ALL.iter().map(|policy| policy.name());
    words::find("policy", name, known).map(|index| Undelivered::ALL[index])
}
