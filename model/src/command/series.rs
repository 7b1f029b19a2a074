//! What `generate` and `soak` share: the seed, and what is said of a scenario that failed.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Duration;
use viewchan_model::series::{Failed, Found, Picked, Series, shrink};

/// The seed that was given, or any; printed in either case.
pub(crate) fn seed(given: Option<u64>) -> Result<u64, String> {
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()) >> 32);
    super::print(&format!("seed {seed}\n"))?;
    Ok(seed)
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
