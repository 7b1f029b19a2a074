//! One thread, one operation after the other: after each the code has done what the specification does, and has counted
//! what it counts.
//!
//! `reference` is the specification as a state machine for proptest, `system` the code. Strategies of channels only: what
//! one thread alone can see of a slot, `tests/epoch.rs` of the workspace has.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod reference;
mod system;

use proptest::test_runner::{Config, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use reference::{Act, Reference, Specification};
use system::{Behaviour, Sabotage};

/// The code, driven faithfully or not: by this one of [`Sabotage::ALL`].
struct Code<const SABOTAGE: usize>;

impl<const SABOTAGE: usize> StateMachineTest for Code<SABOTAGE> {
    type SystemUnderTest = Box<dyn Behaviour>;
    type Reference = Specification;

    fn init_test(reference: &Reference) -> Box<dyn Behaviour> {
        system::under(reference.strategy(), Sabotage::ALL[SABOTAGE])
    }

    fn apply(mut system: Box<dyn Behaviour>, reference: &Reference, act: Act) -> Box<dyn Behaviour> {
        system.act(&act);
        let (seen, allowed) = (system.observe(), reference.allowed());
        assert!(allowed.contains(&seen), "after {act:?}: {seen:?} is not one of {allowed:?}");
        system
    }

    fn teardown(system: Box<dyn Behaviour>, _: Reference) {
        assert_eq!(system.finish(), 0, "buffers are left over");
    }
}

/// Failures are kept by hand, as tests.
fn config() -> Config {
    Config { cases: 200, failure_persistence: None, ..Config::default() }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn the_code_does_what_the_specification_does(sequential 1..30 => Code<0>);
}

/// Runs a sabotaged driver until it is found out: what was said.
#[track_caller]
fn found_out<const SABOTAGE: usize>() -> String {
    let steps = Specification::sequential_strategy(1..30);
    let config = Config { cases: 5000, ..config() };
    let found = TestRunner::new(config.clone()).run(&steps, |(reference, acts, seen)| {
        Code::<SABOTAGE>::test_sequential(config.clone(), reference, acts, seen);
        Ok(())
    });
    let Err(TestError::Fail(why, _)) = found else { panic!("nobody notices {:?}", Sabotage::ALL[SABOTAGE]) };
    why.message().to_owned()
}

/// Each is noticed at the step that shows it.
#[test]
fn sabotage_is_noticed() {
    let says = [found_out::<1>(), found_out::<2>(), found_out::<3>()];
    let steps = ["Thaw", "Release", "Send"];
    for (says, step) in says.iter().zip(steps) {
        assert!(says.contains(&format!("step: {step} ")) && says.contains(" is not one of ["), "{says}");
    }
}
