//! The row of each strategy: which foreign lock an operation may acquire. No fault changes this file.

use super::action::Cause;
use super::operation::Operation;
use crate::scenario::Strategy;
use std::collections::BTreeSet;

/// The cause for which an operation may acquire a foreign lock, that of the owner of what it is about; `None` where it
/// may acquire none. This is the table that the README shows, and a line for what nobody received.
pub(super) fn row(strategy: Strategy, operation: Operation) -> Option<Cause> {
    use {Cause::ViewCreation, Cause::ViewRelease, Strategy as S};
    match (operation, strategy) {
        (Operation::Receive, S::Shared | S::Proxy | S::View) => Some(ViewCreation),
        (Operation::Clone | Operation::Slice, S::Shared) => Some(ViewCreation),
        (Operation::Release, S::Shared) => Some(ViewRelease),
        (Operation::LastRelease, S::Shared | S::Proxy | S::View | S::Handover) => Some(ViewRelease),
        (Operation::Discard, S::Shared | S::Proxy | S::View | S::Handover) => Some(ViewRelease),
        _ => None,
    }
}

/// All that G1 allows under a strategy: during which operation a thread may acquire a lock that is not its own, and why.
/// Whose lock it may be is not in it.
pub fn lawful_rows(strategy: Strategy) -> BTreeSet<(Operation, Cause)> {
    let lawful = |&operation: &Operation| {
        let attaching = operation.may_attach().then_some(Cause::Attach);
        let collecting = (operation == Operation::Errand).then_some(Cause::Collection);
        let causes = [row(strategy, operation), attaching, collecting];
        causes.into_iter().flatten().map(move |cause| (operation, cause))
    };
    Operation::ALL.iter().flat_map(lawful).collect()
}

/// Whether a message in flight has an export, beside its reference.
pub(super) fn messages_are_exported(strategy: Strategy) -> bool {
    matches!(strategy, Strategy::Handover | Strategy::Deferred | Strategy::Epoch)
}
