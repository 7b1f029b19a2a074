//! Under shuttle: so many executions of a case, chosen by chance, the same in each turn.

use super::{Case, fail};
use viewchan_model::engine::sampling::{Sampling, Scheduler};
use viewchan_model::engine::shuttle::{Choices, explore, unmonitored as run_unmonitored};
use viewchan_model::fault::Planted;

pub(crate) const NAME: &str = "shuttle";

const SAMPLING: Sampling = Sampling { scheduler: Scheduler::Random, iterations: 5_000, seed: 1 };

pub(crate) fn monitored(case: &Case) -> Result<u64, String> {
    let choices = Choices::Of(SAMPLING, None);
    let (graph, ran) = explore(Planted::Nothing, &case.scenario, case.strategy, &choices, fail)?;
    assert_eq!(graph.executions(), ran, "each was followed to its end");
    Ok(ran)
}

pub(crate) fn unmonitored(case: &Case) -> Result<u64, String> {
    run_unmonitored(&case.scenario, case.strategy, &Choices::Of(SAMPLING, None))
}

pub(crate) fn expected(_case: &Case) -> Option<u64> {
    Some(SAMPLING.iterations as u64)
}
