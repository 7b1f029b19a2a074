//! Under loom: all executions of a case, in both modes.

use super::{Case, fail};
use viewchan_model::engine::loom::{Mode, explore, unmonitored as explore_unmonitored};
use viewchan_model::fault::Planted;
use viewchan_model::golden::Golden;

pub(crate) const NAME: &str = "loom";

pub(crate) fn monitored(case: &Case) -> Result<u64, String> {
    let explore = |mode| explore(Planted::Nothing, &case.scenario, case.strategy, mode, fail);
    Mode::ALL.into_iter().map(|mode| Ok(explore(mode)?.executions())).sum()
}

pub(crate) fn unmonitored(case: &Case) -> Result<u64, String> {
    Mode::ALL.into_iter().map(|mode| explore_unmonitored(&case.scenario, case.strategy, mode)).sum()
}

/// The golden counts of a scenario that ships.
pub(crate) fn expected(case: &Case) -> Option<u64> {
    let golden = Golden::shipped();
    Some(golden.of_run(&case.scenario.name, case.strategy)?.executions.values().sum())
}
