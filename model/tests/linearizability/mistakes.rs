//! Channels with a mistake: the property of the channel that ships must refute each of them.

use crate::run_plans;
use proptest::test_runner::TestError;
use viewchan::strategy;
use viewchan_model::history::{Flaw, Flawed, Plan, Real, check_subject};

/// Each mistake is found by random plans: by a history, not by threads that hang or panic.
#[test]
fn every_mistake_is_refuted() {
    for flaw in Flaw::ALL {
        let run = |plan: &Plan| check_subject(plan, Flawed::new(Real::<strategy::View>::default(), flaw));
        let Err(TestError::Fail(reason, plan)) = run_plans(10_000, run, |_| ()) else {
            panic!("not refuted: {flaw:?}")
        };
        println!("{flaw:?}: {plan:?}\n{reason}");
        assert!(reason.message().starts_with("no order of these operations explains the answers"));
    }
}
