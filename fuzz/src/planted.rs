//! Code with one mistake for each target.

use super::layout::Descriptor;
use viewchan::strategy;
use viewchan_model::history::{Failure, Flaw, Flawed, History, Plan, Real, check_subject};
use viewchan_model::scenario::{self, ParseError, Scenario, Strategy};

/// A parser that takes both halves of a Windows line end for one, and so names lines that are not there.
pub(super) fn parse(file: &str, text: &str) -> Result<Scenario, ParseError> {
    scenario::parse(file, text).map_err(|mut error| {
        error.line += text.lines().take(error.line).count().min(text.matches('\r').count());
        error
    })
}

/// A check that forgets the bytes of the last element behind its first.
pub(super) fn accepts(descriptor: &Descriptor) -> bool {
    let shorter = descriptor.format.itemsize() - 1;
    descriptor.len.checked_add(shorter).is_some_and(|len| Descriptor { len, ..descriptor.clone() }.packed().is_ok())
}

/// A channel whose deadlines pass with a message in hand.
pub(super) fn check(plan: &Plan, _strategy: Strategy) -> Result<History, Failure> {
    check_subject(plan, Flawed::new(Real::<strategy::View>::default(), Flaw::TimesOutWithMessage))
}
