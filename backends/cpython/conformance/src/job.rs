//! What is to be run, and the report.

use crate::broken::FLAWS;
use crate::host::{CPython, Sound};
use crate::report::{Checked, Report, Row};
use std::collections::BTreeSet;
use std::sync::Arc;
use viewchan::strategy;
use viewchan_model::engine::conformance::{Seen, Specified, observe};
use viewchan_model::report::Run;
use viewchan_model::scenario::{Scenario, Strategy, shipped};
use viewchan_model::{monitor, spec};

/// `argv` is `ROUNDS FLAW SCENARIO/STRATEGY...`; without a mistake the flaw is `none`. The report, in JSON.
///
/// Whoever waits for it sees on the standard error which scenario is being run.
pub(crate) fn run(argv: &[String]) -> Result<String, String> {
    let [rounds, flaw, pairs @ ..] = argv else { return Err("usage: ROUNDS FLAW SCENARIO/STRATEGY...".to_owned()) };
    let rounds = rounds.parse().map_err(|_| format!("{rounds:?} is no number of rounds"))?;
    let observe = observer(flaw)?;
    let shipped = shipped();
    let check = |pair: &String| {
        let (scenario, strategy) = find(&shipped, pair)?;
        eprintln!("{pair}");
        let specified = Specified::of(&scenario, strategy).map_err(|broken| format!("{pair}: {broken}"))?;
        let (run, seen) = observe(&specified, rounds);
        Ok(checked(&specified, run, &seen))
    };
    let runs: Vec<Checked> = pairs.iter().map(check).collect::<Result<_, String>>()?;
    let report = Report { schema: 1, version: env!("CARGO_PKG_VERSION").to_owned(), runs };
    serde_json::to_string(&report).map_err(|error| error.to_string())
}

type Observe = fn(&Specified, u64) -> (Run, Seen);

fn observer(flaw: &str) -> Result<Observe, String> {
    if flaw == "none" {
        return Ok(sound);
    }
    let known = FLAWS.into_iter().find(|(name, _)| *name == flaw);
    known.map(|(_, observe)| observe).ok_or_else(|| format!("there is no flaw {flaw:?}"))
}

fn sound(specified: &Specified, rounds: u64) -> (Run, Seen) {
    type Host = CPython<Sound>;
    match specified.strategy {
        Strategy::Shared => observe::<Host, strategy::Shared>(specified, rounds),
        Strategy::Proxy => observe::<Host, strategy::Proxy>(specified, rounds),
        Strategy::View => observe::<Host, strategy::View>(specified, rounds),
        Strategy::Handover => observe::<Host, strategy::Handover>(specified, rounds),
        // The scenarios of slots have no channel, whose strategy would matter.
        Strategy::Deferred | Strategy::Epoch => observe::<Host, strategy::Deferred>(specified, rounds),
    }
}

fn find(shipped: &[Scenario], pair: &str) -> Result<(Arc<Scenario>, Strategy), String> {
    let unknown = || format!("{pair:?} is no shipped scenario with one of its strategies");
    let (name, strategy) = pair.split_once('/').ok_or_else(unknown)?;
    let scenario = shipped.iter().find(|scenario| scenario.name == name).ok_or_else(unknown)?;
    let strategy = scenario.strategies.iter().find(|known| known.name() == strategy).ok_or_else(unknown)?;
    Ok((Arc::new(scenario.clone()), *strategy))
}

fn checked(specified: &Specified, run: Run, seen: &Seen) -> Checked {
    Checked {
        run,
        allowed_outcomes: specified.outcomes.as_ref().expect("a shipped scenario is not too big").len(),
        rows: in_words(&seen.rows),
        allowed_rows: in_words(&specified.rows),
    }
}

fn in_words(rows: &BTreeSet<monitor::Row>) -> Vec<Row> {
    let words = |&(operation, cause): &(spec::Operation, spec::Cause)| (operation.to_string(), cause.to_string());
    rows.iter().map(words).collect()
}
