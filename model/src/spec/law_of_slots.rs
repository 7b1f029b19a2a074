//! The law of broadcast slots (G3, and G1 through the row of the strategy): who may publish, load and give up what, and what
//! holds in every state.
//!
//! No fault changes this file.

use super::Rules;
use super::action::Action;
use super::guarantee::{Guarantee, Violation};
use super::slot::{Guard, Place, Retired, SlotAct};
use super::state::State;
use super::thread::{Claim, Value, small};

use Guarantee::{G3, G8};

impl Rules {
    /// Whether an act is lawful.
    pub(super) fn law_of_slots(
        &self,
        state: &State,
        action: Action,
        slot: usize,
        act: SlotAct,
    ) -> Result<(), Violation> {
        let me = &state.threads[action.thread];
        let number = small(slot);
        let is_holder = me.has(Claim::Holder(number)) || me.holds(Value::Publisher(number));
        match act {
            SlotAct::Join => {
                self.demand(me.holds(Value::Subscriber(number)), G3, action, "without a subscriber to make it of")
            }
            SlotAct::Leave => self.demand(me.has(Claim::Holder(number)), G3, action, "that it does not have"),
            SlotAct::Pin => self.demand(is_holder, G3, action, "without being a holder"),
            SlotAct::Load { buffer } => self.law_of_loading(state, action, number, buffer),
            SlotAct::Unpin => {
                self.demand(guard_in_hand(state, action.thread, number).is_some(), G3, action, "that it does not have")
            }
            SlotAct::Publish { buffer } => {
                self.law_of_lock(state, action, buffer)?;
                self.demand(me.holds(Value::Publisher(number)), G3, action, "without being the publisher")?;
                let exported = me.hands.iter().any(|claim| claim.message() == Some(small(buffer)));
                self.demand(exported, G3, action, "without having exported it")?;
                self.law_of_guard(state, action, number)
            }
            SlotAct::Retire { buffer } => {
                let has = has_taken_out(state, action.thread, number, buffer);
                self.demand(has, G3, action, "without having taken it out")?;
                self.law_of_guard(state, action, number)
            }
        }
    }

    fn law_of_guard(&self, state: &State, action: Action, slot: u8) -> Result<(), Violation> {
        self.demand(guard_in_hand(state, action.thread, slot).is_some(), G3, action, "without a guard")
    }

    /// G3: a value is loaded under a guard, and only one that waits for the guard before it goes back.
    fn law_of_loading(&self, state: &State, action: Action, slot: u8, buffer: Option<usize>) -> Result<(), Violation> {
        self.law_of_guard(state, action, slot)?;
        let (Some(guard), Some(buffer)) = (guard_in_hand(state, action.thread, slot), buffer) else { return Ok(()) };
        let kept = state.kept_for(slot, guard).iter().any(|shown| usize::from(shown.buffer) == buffer);
        self.demand(kept, G3, action, "which does not wait for its guard")
    }

    /// G3, of a state: the holders are counted, what somebody reads stays, and what nobody can reach is not kept. G8: what is
    /// retired waits for somebody who will give it back.
    pub(super) fn check_slot(&self, state: &State, slot: usize) -> Result<(), Violation> {
        let (there, name, number) = (&state.slots[slot], &self.scenario.slots[slot].name, small(slot));
        let holders = state.count_holders(number);
        demand(usize::from(there.holders) == holders, G3, || {
            format!("{name} counts {} holders, but there are {holders}", there.holders)
        })?;
        for (guard, shown) in state.readings(number) {
            demand(state.kept_for(number, guard).contains(&shown), G3, || {
                let (thread, buffer) = (self.thread_name(guard.thread.into()), self.buffer_name(shown.buffer));
                format!("{thread} reads {buffer}, which does not wait for its guard")
            })?;
        }
        let guards = state.guards(number);
        for Retired { value, blockers } in &there.retired {
            let waits = !blockers.is_empty() && blockers.iter().all(|blocker| guards.contains(blocker));
            demand(waits, G8, || {
                format!("{} is retired, and nobody will give it back", self.buffer_name(value.buffer))
            })?;
        }
        let forgotten = there.current.filter(|_| holders == 0);
        demand(forgotten.is_none(), G3, || format!("{name} has a value, and no holder who could give it back"))
    }

    /// G3, of the end: nobody holds the slot, and nothing is in it.
    pub(super) fn check_slot_at_end(&self, state: &State, slot: usize) -> Result<(), Violation> {
        let (there, name) = (&state.slots[slot], &self.scenario.slots[slot].name);
        demand(there.holders == 0, G3, || format!("{name} has holders at the end"))?;
        let empty = there.current.is_none() && there.retired.is_empty();
        demand(empty, G3, || format!("a value is still in {name} at the end"))
    }
}

/// Whether a thread has a value in hand that it took out of a slot.
fn has_taken_out(state: &State, thread: usize, slot: u8, buffer: usize) -> bool {
    state.threads[thread].hands.iter().any(|claim| match *claim {
        Claim::Replaced { slot: from, value } => from == slot && usize::from(value.buffer) == buffer,
        _ => false,
    })
}

/// The guard of a slot that a thread has in hand.
fn guard_in_hand(state: &State, thread: usize, slot: u8) -> Option<Guard> {
    state.threads[thread].hands.iter().find_map(|claim| match *claim {
        Claim::Guard(Place { slot: of, variable }) if of == slot => Some(Guard { thread: small(thread), variable }),
        _ => None,
    })
}

fn demand(holds: bool, guarantee: Guarantee, why: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(guarantee, why())) }
}
