//! Lock rows: which locks a thread acquires during which operation, held against what exploration says.
//!
//! This is G1 for runs that no [`Monitor`](super::Monitor) follows: the events of two real threads come in no certain
//! order. It needs none, since each thread is looked at alone.

use super::translate;
use crate::scenario::{Interpreter, Scenario, Strategy, Thread};
use crate::spec::{Cause, Operation};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use viewchan::InterpreterId;
use viewchan::trace::{Event, Side};

/// During which operation a thread acquires the lock of an interpreter that is not its own, and why.
pub type Row = (Operation, Cause);

/// The acquisitions of foreign locks in one round.
pub(crate) struct Rows {
    strategy: Strategy,
    interpreters: Vec<InterpreterId>,
    threads: Vec<Mutex<Doing>>,
}

/// What one thread does, and what it has done.
#[derive(Default)]
struct Doing {
    home: Option<Interpreter>,
    operation: Operation,
    /// It runs its errands, in the middle of the operation.
    on_errand: bool,
    /// The interpreters that it was a thread of, and those whose locks it told that it has acquired.
    homes: BTreeSet<Interpreter>,
    entered: BTreeSet<Interpreter>,
    seen: BTreeSet<Row>,
    /// What nobody can make sense of.
    strange: Option<String>,
}

impl Rows {
    pub(crate) fn new(scenario: &Scenario, strategy: Strategy, interpreters: Vec<InterpreterId>) -> Self {
        Self { strategy, interpreters, threads: scenario.threads.iter().map(|_| Mutex::default()).collect() }
    }

    /// A thread begins an operation, or has ended one.
    pub(crate) fn begins(&self, thread: Thread, operation: Operation) {
        self.doing(thread).operation = operation;
    }

    /// A thread is of this interpreter from now on, or of none.
    pub(crate) fn moves(&self, thread: Thread, home: Option<Interpreter>) {
        let mut doing = self.doing(thread);
        doing.home = home;
        doing.homes.extend(home);
    }

    /// A thread emitted an event: an acquisition, or one by which, as in the specification, an operation becomes another.
    pub(crate) fn event(&self, thread: Thread, event: &Event) {
        let mut doing = self.doing(thread);
        match *event {
            Event::Entered { interpreter, cause } => self.entered(&mut doing, interpreter, cause),
            Event::ViewDropped { clones: 0 } => doing.operation = Operation::LastRelease,
            Event::Inspected { ending: true, .. } => doing.operation = Operation::Discard,
            Event::Closed { side: Side::Receive, discarded: 1.., .. } => doing.operation = Operation::Discard,
            // The receive goes on after it has removed a message.
            Event::Received { .. } | Event::ReceiveRefused { .. } => doing.operation = Operation::Receive,
            Event::ErrandSeen { kept, .. } => doing.on_errand = kept,
            _ => {}
        }
    }

    fn entered(&self, doing: &mut Doing, id: InterpreterId, cause: viewchan::Cause) {
        let index = self.interpreters.iter().position(|&known| known == id);
        let (Some(interpreter), Some(cause)) = (index, translate::cause(cause)) else {
            doing.strange = Some(format!("{id} was entered with cause {cause}, and the scenario has no such thing"));
            return;
        };
        doing.entered.insert(interpreter);
        let operation = if doing.on_errand { Operation::Errand } else { doing.operation };
        let comes_to_stay = (operation, cause) == (Operation::Attach, Cause::Attach);
        if !comes_to_stay && doing.home != Some(interpreter) {
            doing.seen.insert((operation, cause));
        }
    }

    /// All that was seen, if it is `allowed`.
    ///
    /// # Errors
    ///
    /// The first acquisition that is not, in words.
    pub(crate) fn finish(&self, scenario: &Scenario, allowed: &BTreeSet<Row>) -> Result<BTreeSet<Row>, String> {
        let mut all = BTreeSet::new();
        for (thread, decl) in scenario.threads.iter().enumerate() {
            let doing = self.doing(thread);
            if let Some(why) = &doing.strange {
                return Err(format!("{}: {why}", decl.name));
            }
            if let Some(&untold) = doing.homes.difference(&doing.entered).next() {
                let (name, interpreter) = (&decl.name, &scenario.interpreters[untold]);
                return Err(format!(
                    "{name} was in {interpreter}, and nothing told that it acquired its lock: \
                     the runtime emits `Event::Entered` on the thread that does"
                ));
            }
            if let Some((operation, cause)) = doing.seen.iter().find(|row| !self.is_in(allowed, **row)) {
                let (name, strategy) = (&decl.name, self.strategy.name());
                return Err(format!(
                    "{name} acquires a foreign lock for {cause} in operation {operation}, \
                     which is not in the row of {strategy}"
                ));
            }
            all.extend(&doing.seen);
        }
        Ok(all)
    }

    /// Where each clone counts at the owner, each drop says that none is left: it may be a release of either kind.
    fn is_in(&self, allowed: &BTreeSet<Row>, (operation, cause): Row) -> bool {
        let either = self.strategy == Strategy::Shared && operation == Operation::LastRelease;
        allowed.contains(&(operation, cause)) || either && allowed.contains(&(Operation::Release, cause))
    }

    /// Nobody but the thread itself looks at it, until all have ended.
    fn doing(&self, thread: Thread) -> MutexGuard<'_, Doing> {
        self.threads[thread].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;
    use crate::scenario::{Strategy, shipped};
    use std::collections::BTreeSet;
    use viewchan::trace::Event;
    use viewchan::{Cause, InterpreterId};

    /// What a runtime does not tell cannot be held against its row: so that it tells nothing is refused.
    #[test]
    fn a_silent_runtime_is_refused() {
        let scenario = shipped().into_iter().find(|scenario| scenario.name == "one-message").expect("it is shipped");
        let interpreters = vec![InterpreterId(7), InterpreterId(8)];
        let rows = Rows::new(&scenario, Strategy::View, interpreters);
        rows.moves(0, Some(0));
        let why = rows.finish(&scenario, &BTreeSet::new()).expect_err("nothing was told");
        assert!(why.starts_with("sender was in A, and nothing told that it acquired its lock"), "{why}");
        rows.event(0, &Event::Entered { interpreter: InterpreterId(7), cause: Cause::Attach });
        assert_eq!(rows.finish(&scenario, &BTreeSet::new()), Ok(BTreeSet::new()));
    }
}
