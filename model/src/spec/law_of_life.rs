//! The law of an interpreter's end (G7): who may be inside, when the end is complete, and that a message has one fate.
//!
//! No fault changes this file.

use super::Rules;
use super::action::{Action, Cause, Kind};
use super::guarantee::{Guarantee, Violation};
use super::life::Phase;
use super::state::State;
use super::thread::{Claim, small};

use Guarantee::{G5, G7};

impl Rules {
    /// G7: an end begins once, and under the interpreter's lock.
    pub(super) fn law_of_ending(&self, state: &State, action: Action, interpreter: usize) -> Result<(), Violation> {
        self.law_of_phase(state, action, interpreter, Phase::Running, "which had begun before")
    }

    /// G7: it is complete after it has begun, when nobody is inside any more.
    pub(super) fn law_of_end(&self, state: &State, action: Action, interpreter: usize) -> Result<(), Violation> {
        self.law_of_phase(state, action, interpreter, Phase::Finalizing, "which is not in progress")?;
        let empty = state.inside(small(interpreter)) == 0;
        self.demand(empty, G7, action, "although a thread is inside")
    }

    fn law_of_phase(
        &self,
        state: &State,
        action: Action,
        interpreter: usize,
        phase: Phase,
        otherwise: &str,
    ) -> Result<(), Violation> {
        let locked = state.holder(interpreter) == Some(action.thread);
        self.demand(locked, G7, action, "without its lock")?;
        self.demand(state.phases[interpreter] == phase, G7, action, otherwise)
    }

    /// G7: nobody goes on inside an interpreter that has ended.
    pub(super) fn law_of_coming_back(
        &self,
        state: &State,
        action: Action,
        interpreter: usize,
        cause: Cause,
    ) -> Result<(), Violation> {
        let goes_on = matches!(cause, Cause::Return | Cause::Safepoint);
        let lawful = !goes_on || state.phases[interpreter] != Phase::Ended;
        self.demand(lawful, G7, action, "although it has ended")
    }

    /// G7: of an action that led to `after`: nobody becomes a thread of an interpreter that is ending.
    pub(super) fn law_of_stays(&self, before: &State, action: Action, after: &State) -> Result<(), Violation> {
        let Kind::Enter { interpreter, cause: Cause::Attach } = action.kind else { return Ok(()) };
        let home = |state: &State| state.threads[action.thread].home.map(usize::from);
        let stays = home(after) == Some(interpreter) && home(before) != Some(interpreter);
        let lawful = !stays || !before.is_ending(interpreter);
        self.demand(lawful, G7, action, "and stays, although it is ending")
    }

    /// G5: a message whose owner was seen ending goes the way of its policy *instead of* becoming a view.
    pub(super) fn law_of_inspection(&self, state: &State, action: Action, owner: usize) -> Result<(), Violation> {
        let is_owned = |buffer: u8| usize::from(self.owner(buffer)) == owner;
        let hands = &state.threads[action.thread].hands;
        let has = hands.iter().any(|&claim| matches!(claim, Claim::Message { buffer, .. } if is_owned(buffer)));
        self.demand(has || !state.is_ending(owner), G5, action, "and it is, but the message was delivered already")
    }

    /// G7: … and is not delivered after that.
    pub(super) fn law_of_delivery(&self, state: &State, action: Action, buffer: usize) -> Result<(), Violation> {
        let hands = &state.threads[action.thread].hands;
        let is_it =
            |claim: &Claim| matches!(*claim, Claim::Undeliverable { buffer: b, .. } if usize::from(b) == buffer);
        self.demand(!hands.iter().any(is_it), G7, action, "although its owner was seen ending")
    }

    /// G7, of a state: nobody is inside an interpreter that has ended, and one that nobody is inside of ends. The latter
    /// unless its lock is held: then somebody may be about to complete the end.
    pub(super) fn check_life(&self, state: &State, interpreter: usize) -> Result<(), Violation> {
        let inside = state.inside(small(interpreter));
        let name = &self.scenario.interpreters[interpreter];
        match state.phases[interpreter] {
            Phase::Ended if inside > 0 => {
                Err(Violation::new(G7, format!("{name} has ended, and {inside} blocks are open inside it")))
            }
            Phase::Finalizing if inside == 0 && state.holder(interpreter).is_none() => {
                Err(Violation::new(G7, format!("{name} is ending, and nobody will complete it")))
            }
            _ => Ok(()),
        }
    }
}
