//! Without a tool nothing is explored.

use super::Case;

pub(crate) const NAME: &str = "nothing";

pub(crate) fn monitored(case: &Case) -> Result<u64, String> {
    let (scenario, strategy) = (&case.scenario.name, case.strategy.name());
    Err(format!("{scenario} under {strategy}: this build has neither loom nor shuttle: build with --features loom"))
}

pub(crate) fn unmonitored(case: &Case) -> Result<u64, String> {
    monitored(case)
}

pub(crate) fn expected(_case: &Case) -> Option<u64> {
    None
}
