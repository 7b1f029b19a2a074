//! Every shipped scenario under each of its strategies as a test of its own, for runners that split tests between machines:
//!
//! ```sh
//! cargo nextest run --features loom,singly --test singly --partition slice:1/4
//! ```
//!
//! `cargo test --features loom` has them all at once, in `tests/check.rs`.

mod common;

use common::{pairs, text, viewchan};
use libtest_mimic::{Arguments, Failed, Trial};
use viewchan_model::scenario::{Scenario, Strategy};

fn main() {
    let arguments = Arguments::from_args();
    let trials = pairs().into_iter().map(|(scenario, strategy)| trial(&scenario, strategy)).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// The scenario on the specification and under loom in both modes, held against the golden counts.
fn trial(scenario: &Scenario, strategy: Strategy) -> Trial {
    let name = scenario.name.clone();
    Trial::test(format!("{}::{name}", strategy.name()), move || {
        let output = viewchan(&["check", "--strategy", strategy.name(), &name]).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failed::from(format!("{}{}", text(&output.stdout), text(&output.stderr))))
    })
}
