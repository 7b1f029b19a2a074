//! What `generate` and `soak` share: the seed, and what is said of a scenario that failed.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Duration;
use viewchan_model::check::Engine;
use viewchan_model::fault::{CodeFault, How};
use viewchan_model::scenario::Strategy;
use viewchan_model::series::{Failed, Found, Picked, Series, Summary, shrink};
use viewchan_model::spec::Fault;

/// The seed that was given, or any; printed in either case.
pub(crate) fn seed(given: Option<u64>) -> Result<u64, String> {
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()) >> 32);
    super::print(&format!("seed {seed}\n"))?;
    Ok(seed)
}

/// The strategies that were asked for; with a flaw, those of them that can have it.
pub(crate) fn strategies(asked: &[Strategy], engine: Engine, flaw: Option<&str>) -> Result<Vec<Strategy>, String> {
    let strategies = super::strategies(asked)?;
    let Some(flaw) = flaw else { return Ok(strategies) };
    let can_have_it: Vec<Strategy> = match (engine, CodeFault::from_name(flaw), Fault::from_name(flaw)) {
        (Engine::Spec, _, Some(fault)) => fault.strategies().to_vec(),
        (Engine::Spec, _, None) => return Err(format!("the specification has no fault {flaw:?}")),
        (_, Some(CodeFault { how: How::Strategy, strategy, .. }), _) => vec![strategy],
        (Engine::Threads, Some(_), _) => {
            return Err(format!("{flaw} is put into a site, which only the engines loom and shuttle can break"));
        }
        (_, Some(_), _) => Strategy::ALL.to_vec(),
        (_, None, _) => return Err(format!("no fault {flaw:?} lives in the code")),
    };
    let kept: Vec<Strategy> = strategies.into_iter().filter(|strategy| can_have_it.contains(strategy)).collect();
    if kept.is_empty() {
        return Err(format!("{flaw} is no flaw of these strategies, but of {}", super::names(&can_have_it)));
    }
    Ok(kept)
}

/// Makes the scenario smaller that failed, writes it, and says how to replay it. A shipped one stays as it is.
pub(crate) fn report_failure(
    series: &Series,
    failed: &Failed,
    limit: Option<Duration>,
    keep: &Path,
) -> Result<(), String> {
    let Failed { number, trial, run } = failed;
    let Picked { scenario, strategy, case } = series.pick(*number);
    let why: Vec<String> = run.violations.iter().map(ToString::to_string).collect();
    super::print(&format!("FAIL: {}, {}: {}\n", scenario.name, strategy.name(), why.join("; ")))?;
    let Some(case) = case else {
        return super::print(&format!("replay: {}\n", trial.replay(&scenario.name, strategy)));
    };
    let limit = limit.unwrap_or_else(|| trial.limit());
    let found = shrink(&super::executable()?, case, trial, run.clone(), limit, keep)
        .map_err(|error| format!("cannot make the scenario smaller: {error}"))?;
    let Found { tries, ref file, .. } = found;
    let end = if found.is_given_up() { ", where it was given up" } else { "" };
    let mut lines = vec![format!("smaller, after {tries} tries{end}: {}", file.display())];
    for violation in &found.run.violations {
        lines.push(format!("  {violation}"));
        lines.extend(violation.trace.iter().map(|step| format!("    {step}")));
    }
    lines.push(format!("replay: {}\n", trial.replay(&file.to_string_lossy(), strategy)));
    super::print(&lines.join("\n"))
}

/// How many scenarios there were whose outcomes are not held against the specification, if there were any.
pub(crate) fn too_big(summary: &Summary) -> String {
    match summary.unexplored {
        0 => String::new(),
        many => format!(", {many} too big for the specification to say which outcomes are allowed"),
    }
}
