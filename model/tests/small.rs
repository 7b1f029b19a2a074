//! The scenarios that loom is done with at once, each under each of its strategies and in both modes, with their golden
//! counts: the part of a check that takes seconds. What mutants of `core` must get past, see CONTRIBUTING.md.
#![cfg(feature = "loom")]

mod common;

use common::{pairs, run_under};
use viewchan_model::golden::Golden;
use viewchan_model::job::Task;
use viewchan_model::report::Verdict;

/// In each mode, by the golden counts.
const EXECUTIONS: u64 = 500;

/// All of them, or nothing could be said about a scenario that is small under one strategy only.
#[test]
fn small_scenarios_pass_with_their_golden_counts() {
    let golden = Golden::shipped();
    let mut checked = 0;
    for (scenario, strategy) in pairs() {
        let counts = golden.of_run(&scenario.name, strategy).expect("shipped scenarios have counts");
        for mode in ["plain", "rmw"] {
            if counts.executions[mode] > EXECUTIONS {
                continue;
            }
            let run = run_under(strategy, &scenario.name, &Task::Loom { mode });
            let wrong = golden.complaint(&run);
            assert!(run.verdict == Verdict::Pass && wrong.is_none(), "{}: {run:#?}, {wrong:?}", strategy.name());
            checked += 1;
        }
    }
    assert!(checked > 500, "only {checked} runs are small");
}
