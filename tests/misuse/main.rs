//! Programs that use the channel in any way, right or wrong: ends in their own channels and in circles, tokens of the
//! wrong interpreter, thaws of what is shared, operations after a close and after an interpreter's end.
//!
//! One thread runs a random program; books that know no lock, no memory and no strategy say what the documentation
//! promises. Each act has exactly that outcome, nothing panics that should not, and at the end everything was given
//! back.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod act;
#[path = "../common/mod.rs"]
mod common;
mod oracle;
mod world;

use act::{Act, acts};
use common::watchdog;
use proptest::test_runner::{Config, TestError, TestRunner};
use viewchan::Interpreter;
use viewchan::strategy::{self, Strategy};
use world::{Mistake, run};

fn run_programs<S: Strategy<Interpreter>>(cases: u32, mistake: Option<Mistake>) -> Result<(), TestError<Vec<Act>>> {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner.run(&acts(), |acts| run::<S>(&acts, mistake))
}

fn any_program_goes_as_documented<S: Strategy<Interpreter>>() {
    let _watchdog = watchdog();
    run_programs::<S>(2_000, None).unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn shared() {
    any_program_goes_as_documented::<strategy::Shared>();
}

#[test]
fn proxy() {
    any_program_goes_as_documented::<strategy::Proxy>();
}

#[test]
fn view() {
    any_program_goes_as_documented::<strategy::View>();
}

#[test]
fn handover() {
    any_program_goes_as_documented::<strategy::Handover>();
}

#[test]
fn deferred() {
    any_program_goes_as_documented::<strategy::Deferred>();
}

/// Programs and books with a mistake are refuted.
#[test]
fn mistakes_are_refuted() {
    let _watchdog = watchdog();
    for (mistake, says) in [
        (Mistake::ForgetsRefused, ""),
        (Mistake::ForgetsViews, ""),
        (Mistake::EntersBlindly, "is ending or has ended"),
        (Mistake::WrongBooks, "what came of Send"),
    ] {
        match run_programs::<strategy::View>(20_000, Some(mistake)) {
            Err(TestError::Fail(reason, acts)) => {
                println!("{mistake:?}: {acts:?}\n{reason}");
                assert!(reason.message().contains(says), "{mistake:?} is refuted for another reason: {reason}");
            }
            other => panic!("not refuted: {mistake:?}: {other:?}"),
        }
    }
}
