//! Witnesses: situations that must be reachable, so that no invariant holds only because nothing ever happens.

use super::Rules;
use super::action::{Cause, Kind, Side, Why};
use super::catalogue::catalogue;
use super::guarantee::Guarantee;
use super::invariant::queued_in;
use super::life::{Decision, Phase};
use super::operation::Operation;
use super::row::messages_are_exported;
use super::slot::{Guard, SlotState, SlotTodo};
use super::state::{Content, State};
use super::thread::{Claim, StepResult, ThreadState, Todo, small};

catalogue! {
    /// A situation in which a guarantee could break. All scenarios together reach every one, under one strategy or another.
    Witness,
    guarantee: "The guarantee that has something to do here.";

    ForeignCreation "foreign-creation" G1
        "A thread is in a foreign interpreter to create a view.";
    ForeignRelease "foreign-release" G1
        "A thread is in a foreign interpreter to release a view.";
    ViewExists "view-exists" G2
        "Somebody holds a view.";
    ExportInFlight "export-in-flight" G2
        "A message is in flight that was exported at send.";
    ThawRefused "thaw-refused" G2
        "A thaw was refused.";
    Thawed "thawed" G2
        "A buffer is writable.";
    TwoClones "two-clones" G3
        "A view has two clones.";
    BufferDiscarded "buffer-discarded" G3
        "A thread discards a buffer that nobody received.";
    Panicked "panicked" G3
        "A block ended in a panic.";
    MessageAbsorbed "message-absorbed" G3
        "A proxy has taken over a message.";
    ProxyJoined "proxy-joined" G3
        "Two threads of an interpreter created a view of one buffer at the same time: the proxy has two exports.";
    ReadWhileReplaced "read-while-replaced" G3
        "Somebody reads a value that another one has replaced in its slot.";
    RetiredKept "retired-kept" G3
        "A replaced value is kept by a reading alone.";
    TwoRetired "two-retired" G3
        "Two replaced values of a slot wait for guards.";
    ReturnedByReader "returned-by-reader" G3
        "A reading that is dropped gives back what was kept for it.";
    LastHolderReturns "last-holder-returns" G3
        "The last holder of a slot gives the current value back.";
    CollectsAtAttach "collects-at-attach" G3
        "A thread that attaches is about to collect a returned buffer.";
    CollectsAtSafepoint "collects-at-safepoint" G3
        "A thread at a safepoint is about to collect a returned buffer.";
    CollectsAtSend "collects-at-send" G3
        "A thread that sends is about to collect a returned buffer.";
    MutualVisit "mutual-visit" G4
        "Two threads are in each other's interpreter at the same time.";
    BothEndEachOther "both-end-each-other" G4
        "Two threads are in each other's interpreter at the same time, each to end it.";
    WaitsForForeignLock "waits-for-foreign-lock" G4
        "A thread that belongs to an interpreter waits for the lock of another one.";
    TwoQueued "two-queued" G5
        "Two messages are in one queue.";
    Removed "removed" G5
        "A receive removes the message of an owner that is ending, and goes on to the next one.";
    OwnerEnded "owner-ended" G5
        "A receive reported that the owner of its message is ending or has ended.";
    SendWithdrawn "send-withdrawn" G5
        "A send was refused, and the thread kept what it wanted to send.";
    WaitsForSpace "waits-for-space" G6
        "A thread waits for space in a channel.";
    WaitsForMessage "waits-for-message" G6
        "A thread waits for a message.";
    InterruptedWait "interrupted-wait" G6
        "A wait ended because the thread's interpreter is ending.";
    WaitEndedByClose "wait-ended-by-close" G6
        "A receive ended because the channel was closed.";
    TimedOut "timed-out" G6
        "A deadline passed.";
    MessageOutlivesHandles "message-outlives-handles" G7
        "A message is in flight, and its owner has no handle left.";
    ViewOutlivesHandles "view-outlives-handles" G7
        "A view exists, and the owner of its buffer has no handle left.";
    EndedWithMessageQueued "ended-with-message-queued" G7
        "A message is queued, and the interpreter that made it has ended.";
    EndedWithViewHeld "ended-with-view-held" G7
        "A view exists, and the interpreter that made its buffer has ended.";
    ReleasedAfterEnd "released-after-end" G7
        "A thread is in an interpreter that has ended, to give something back.";
    LastLeaverEnds "last-leaver-ends" G7
        "The last thread to leave an interpreter completes its end.";
    Gone "gone" G7
        "A thread was not admitted to an interpreter that is ending or has ended.";
    EndedTwice "ended-twice" G7
        "An interpreter was to end that had begun to end before.";
    ReleaseMeetsBusyOwner "release-meets-busy-owner" G8
        "A release waits for the lock of the owner.";
    ReturnedToAttended "returned-to-attended" G8
        "A buffer is on the return list of an interpreter to which somebody attends.";
    ErrandTaken "errand-taken" G8
        "A thread has an errand, and is attached to an interpreter: it cannot run it yet.";
    ErrandRun "errand-run" G8
        "A thread is in an interpreter to collect what nobody attended to.";
    TwoErrands "two-errands" G8
        "A thread has two errands.";
    ErrandNotNeeded "errand-not-needed" G8
        "An errand is about to be given up, because somebody attends to what is on the list.";
    ReceiveEndInFlight "receive-end-in-flight" G9
        "A receive end is inside a channel.";
    SendEndInOwnChannel "send-end-in-own-channel" G9
        "A send end is inside its own channel.";
    UnreachableRefused "unreachable-refused" G9
        "A receive end was not sent, because nobody could have received it.";
    EndDiscarded "end-discarded" G9
        "A thread discards a channel's end that nobody received.";
}

/// A set of witnesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Witnesses(u64);

const _: () = assert!(Witness::ALL.len() <= 64, "a set of witnesses has 64 bits");

impl Witnesses {
    /// Whether `witness` is in the set.
    pub fn contains(self, witness: Witness) -> bool {
        self.0 & bit(witness) != 0
    }

    /// What is in either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The elements, in order.
    pub fn iter(self) -> impl Iterator<Item = Witness> {
        Witness::ALL.iter().copied().filter(move |&witness| self.contains(witness))
    }
}

impl FromIterator<Witness> for Witnesses {
    fn from_iter<I: IntoIterator<Item = Witness>>(witnesses: I) -> Self {
        Self(witnesses.into_iter().fold(0, |set, witness| set | bit(witness)))
    }
}

fn bit(witness: Witness) -> u64 {
    1 << witness as u32
}

impl Rules {
    /// The situations that a state shows.
    pub fn witnesses(&self, state: &State) -> Witnesses {
        Witness::ALL.iter().copied().filter(|&witness| self.shows(state, witness)).collect()
    }

    fn shows(&self, state: &State, witness: Witness) -> bool {
        match witness {
            Witness::ForeignCreation => self.any_visitor(state, |operation| operation == Operation::Receive),
            Witness::ForeignRelease => self.any_visitor(state, |operation| operation == Operation::LastRelease),
            Witness::ExportInFlight => {
                messages_are_exported(self.strategy) && any_tally(state, |tally| tally.messages > 0)
            }
            Witness::ViewExists => state.views.iter().any(Option::is_some),
            Witness::ThawRefused => has_result(state, |result| result == StepResult::ThawRefused),
            Witness::Thawed => has_claim(state, |claim| matches!(claim, Claim::Bytes(_))),
            Witness::TwoClones => state.views.iter().flatten().any(|view| view.clones >= 2),
            Witness::BufferDiscarded => discards(state, |todo| matches!(todo, Todo::Dereference(_) | Todo::Return(_))),
            Witness::Panicked => has_result(state, |result| result == StepResult::Panicked),
            Witness::MessageAbsorbed => state.views.iter().flatten().any(|view| view.references > view.exports),
            Witness::ProxyJoined => state.views.iter().flatten().any(|view| view.exports >= 2),
            Witness::ReadWhileReplaced => any_slot(state, reads_what_is_replaced),
            Witness::RetiredKept => any_slot(state, keeps_by_reading),
            Witness::TwoRetired => state.slots.iter().any(|slot| slot.retired.len() >= 2),
            Witness::ReturnedByReader => returns_after(state, |slots| slots.iter().any(|slot| slot.holders > 0)),
            Witness::LastHolderReturns => returns_after(state, |slots| slots.iter().all(|slot| slot.holders == 0)),
            Witness::CollectsAtAttach => self.any_collects(state, Operation::Attach),
            Witness::CollectsAtSafepoint => self.any_collects(state, Operation::Safepoint),
            Witness::CollectsAtSend => self.any_collects(state, Operation::Send),
            Witness::MutualVisit => mutual_visit(state),
            Witness::BothEndEachOther => both_end_each_other(state),
            Witness::WaitsForForeignLock => self.any_waits_for_lock(state, None),
            Witness::TwoQueued => state.channels.iter().any(|channel| channel.queue.len() >= 2),
            Witness::Removed => removes(state),
            Witness::OwnerEnded => has_result(state, |result| result == StepResult::OwnerEnded),
            Witness::SendWithdrawn => has_result(state, |result| matches!(result, StepResult::SendRefused(_))),
            Witness::WaitsForSpace => self.any_waits(state, Side::Send),
            Witness::WaitsForMessage => self.any_waits(state, Side::Receive),
            Witness::InterruptedWait => has_result(state, |result| {
                matches!(
                    result,
                    StepResult::SendRefused(Why::Interrupted) | StepResult::ReceiveRefused(Why::Interrupted)
                )
            }),
            Witness::WaitEndedByClose => has_result(state, |result| result == StepResult::ReceiveRefused(Why::Closed)),
            Witness::TimedOut => has_result(state, |result| {
                matches!(result, StepResult::SendRefused(Why::TimedOut) | StepResult::ReceiveRefused(Why::TimedOut))
            }),
            Witness::MessageOutlivesHandles => any_tally(state, |tally| tally.messages > 0 && tally.handles == 0),
            Witness::ViewOutlivesHandles => any_tally(state, |tally| tally.views > 0 && tally.handles == 0),
            Witness::EndedWithMessageQueued => self.any_ended(state, is_queued),
            Witness::EndedWithViewHeld => self.any_ended(state, |state, buffer| state.tally(buffer).views > 0),
            Witness::ReleasedAfterEnd => released_after_end(state),
            Witness::LastLeaverEnds => completes_end(state, Operation::Attach),
            Witness::Gone => has_result(state, |result| result == StepResult::Gone),
            Witness::EndedTwice => has_result(state, |result| result == StepResult::EndedBefore),
            Witness::ReleaseMeetsBusyOwner => self.any_waits_for_lock(state, Some(Cause::ViewRelease)),
            Witness::ReturnedToAttended => state.returns.iter().any(|list| list.attended && !list.buffers.is_empty()),
            Witness::ErrandTaken => any_thread(state, |index, thread| {
                !thread.errands.is_empty() && thread.operation != Operation::Errand && state.current(index).is_some()
            }),
            Witness::ErrandRun => any_thread(state, |index, thread| {
                thread.operation == Operation::Errand && state.current(index).is_some()
            }),
            Witness::TwoErrands => any_thread(state, |_, thread| thread.errands.len() >= 2),
            Witness::ErrandNotNeeded => any_thread(state, |_, thread| match thread.agenda.last() {
                Some(&Todo::LetGo(interpreter)) => {
                    let list = &state.returns[usize::from(interpreter)];
                    list.attended && !list.buffers.is_empty()
                }
                _ => false,
            }),
            Witness::ReceiveEndInFlight => (0..state.channels.len()).any(|c| queued_in(state, c).is_some()),
            Witness::SendEndInOwnChannel => state.channels.iter().enumerate().any(|(index, channel)| {
                let is_own = |content| matches!(content, Content::SendEnd(c, _) if usize::from(c) == index);
                channel.queue.iter().any(|message| is_own(message.content))
            }),
            Witness::UnreachableRefused => has_result(state, |result| result == StepResult::Unreachable),
            Witness::EndDiscarded => {
                discards(state, |todo| matches!(todo, Todo::DropSender(_) | Todo::Close(_, Side::Receive)))
            }
        }
    }

    /// Whether a thread holds a foreign lock in such an operation.
    fn any_visitor(&self, state: &State, during: impl Fn(Operation) -> bool) -> bool {
        state.threads.iter().enumerate().any(|(index, thread)| {
            let attachment = state.current(index);
            attachment.is_some() && attachment != thread.home && during(thread.operation)
        })
    }

    /// Whether a thread that belongs somewhere waits for a foreign lock, to create or to release a view.
    fn any_waits_for_lock(&self, state: &State, only: Option<Cause>) -> bool {
        state.threads.iter().enumerate().any(|(index, thread)| {
            self.intents(state, index).any(|intent| match intent.kind {
                Kind::Enter { interpreter, cause: cause @ (Cause::ViewCreation | Cause::ViewRelease) } => {
                    let foreign = thread.home.is_some_and(|home| usize::from(home) != interpreter);
                    foreign && state.holder(interpreter).is_some() && only.is_none_or(|only| only == cause)
                }
                _ => false,
            })
        })
    }

    /// Whether `is_it` holds for a buffer whose owner has ended.
    fn any_ended(&self, state: &State, is_it: impl Fn(&State, usize) -> bool) -> bool {
        let buffers = self.scenario.buffers.iter().enumerate();
        let mut ended = buffers.filter(|(_, decl)| state.phases[decl.owner] == Phase::Ended);
        ended.any(|(buffer, _)| is_it(state, buffer))
    }

    /// Whether a thread that does such an operation wants to collect.
    fn any_collects(&self, state: &State, operation: Operation) -> bool {
        any_thread(state, |index, thread| {
            let collects = |kind| matches!(kind, Kind::Collect { .. });
            thread.operation == operation && self.intents(state, index).any(|intent| collects(intent.kind))
        })
    }

    fn any_waits(&self, state: &State, side: Side) -> bool {
        (0..state.threads.len())
            .any(|thread| matches!(self.waits_at(state, thread), Some((_, as_side, false)) if as_side == side))
    }
}

fn mutual_visit(state: &State) -> bool {
    any_mutual(state, |_| true)
}

fn both_end_each_other(state: &State) -> bool {
    any_mutual(state, |operation| operation == Operation::End)
}

/// Whether two threads visit each other's home in such operations.
fn any_mutual(state: &State, during: impl Fn(Operation) -> bool) -> bool {
    let visits: Vec<(u8, u8)> = (state.threads.iter().enumerate())
        .filter(|(_, thread)| during(thread.operation))
        .filter_map(|(index, thread)| Some((thread.home?, state.current(index)?)))
        .filter(|(home, attachment)| home != attachment)
        .collect();
    visits.iter().any(|&(home, attachment)| visits.contains(&(attachment, home)))
}

fn any_slot(state: &State, matches: impl Fn(&State, u8) -> bool) -> bool {
    (0..state.slots.len()).any(|slot| matches(state, small(slot)))
}

fn reads_what_is_replaced(state: &State, slot: u8) -> bool {
    let current = state.slots[usize::from(slot)].current;
    state.readings(slot).any(|(_, shown)| Some(shown) != current)
}

fn keeps_by_reading(state: &State, slot: u8) -> bool {
    let readings: Vec<Guard> = state.readings(slot).map(|(guard, _)| guard).collect();
    let mut retired = state.slots[usize::from(slot)].retired.iter();
    retired.any(|retired| retired.blockers.iter().all(|blocker| readings.contains(blocker)))
}

/// Whether a thread that was the last to need a value puts it on its owner's list next.
fn returns_after(state: &State, slots: impl Fn(&[SlotState]) -> bool) -> bool {
    let returns = |thread: &ThreadState| matches!(thread.agenda.last(), Some(Todo::Slot(SlotTodo::Return(_))));
    let mut last = state.threads.iter().filter(|thread| thread.operation == Operation::LastRelease);
    last.any(returns) && slots(&state.slots)
}

fn any_thread(state: &State, matches: impl Fn(usize, &ThreadState) -> bool) -> bool {
    state.threads.iter().enumerate().any(|(index, thread)| matches(index, thread))
}

fn has_result(state: &State, matches: impl Fn(StepResult) -> bool) -> bool {
    state.threads.iter().flat_map(|thread| &thread.results).any(|&result| matches(result))
}

fn has_claim(state: &State, matches: impl Fn(Claim) -> bool) -> bool {
    state.threads.iter().flat_map(|thread| &thread.hands).any(|&claim| matches(claim))
}

fn is_queued(state: &State, buffer: usize) -> bool {
    let is_it = |content: Content| matches!(content, Content::Buffer { buffer: b, .. } if usize::from(b) == buffer);
    state.channels.iter().flat_map(|channel| &channel.queue).any(|message| is_it(message.content))
}

/// Whether a thread discards a message and looks for another one then.
fn removes(state: &State) -> bool {
    let looks_again = |todo: &Todo| matches!(todo, Todo::Now(Decision::LookAgain(_)));
    state.threads.iter().any(|thread| thread.agenda.iter().any(looks_again))
}

/// Whether a thread completes the end of an interpreter next, in this operation.
fn completes_end(state: &State, operation: Operation) -> bool {
    let mut threads = state.threads.iter().filter(|thread| thread.operation == operation);
    threads.any(|thread| matches!(thread.agenda.last(), Some(Todo::Ended(_))))
}

/// Whether a thread that gives back a reference or an export is in an interpreter that has ended.
fn released_after_end(state: &State) -> bool {
    state.threads.iter().enumerate().any(|(index, thread)| {
        let inside = state.current(index);
        let ended = inside.is_some_and(|inside| state.phases[usize::from(inside)] == Phase::Ended);
        ended && matches!(thread.agenda.last(), Some(Todo::Unexport(_) | Todo::Dereference(_)))
    })
}

/// Whether a thread discards something, and this is its next action.
fn discards(state: &State, next: impl Fn(Todo) -> bool) -> bool {
    let mut discarding = state.threads.iter().filter(|thread| thread.operation == Operation::Discard);
    discarding.any(|thread| thread.agenda.last().is_some_and(|&todo| next(todo)))
}

fn any_tally(state: &State, matches: impl Fn(super::state::Tally) -> bool) -> bool {
    (0..state.buffers.len()).any(|buffer| matches(state.tally(buffer)))
}
