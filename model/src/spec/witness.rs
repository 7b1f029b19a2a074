//! Witnesses: situations that must be reachable, so that no invariant holds only because nothing ever happens.

use std::fmt;

use super::Rules;
use super::action::{Cause, Kind, Side, Why};
use super::guarantee::Guarantee;
use super::invariant::queued_in;
use super::state::{Content, State};
use super::thread::{Claim, Operation, StepResult, Todo};

/// Declares [`Witness`] as a table: variant, name, guarantee, description (which is also its documentation).
macro_rules! witnesses {
    ($($variant:ident $name:literal $guarantee:ident $description:literal;)+) => {
        /// A situation in which a guarantee could break. All scenarios together reach every one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Witness {
            $(#[doc = $description] $variant,)+
        }

        impl Witness {
            /// All witnesses, ordered by guarantee.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The guarantee that has something to do here.
            pub fn guarantee(self) -> Guarantee {
                match self { $(Self::$variant => Guarantee::$guarantee,)+ }
            }

            /// The situation, in one sentence.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)+ }
            }
        }
    };
}

witnesses! {
    ForeignCreation "foreign-creation" G1
        "A thread is in a foreign interpreter to create a view.";
    ForeignRelease "foreign-release" G1
        "A thread is in a foreign interpreter to release a view.";
    ViewExists "view-exists" G2
        "Somebody holds a view.";
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
    MutualVisit "mutual-visit" G4
        "Two threads are in each other's interpreter at the same time.";
    WaitsForForeignLock "waits-for-foreign-lock" G4
        "A thread that belongs to an interpreter waits for the lock of another one.";
    TwoQueued "two-queued" G5
        "Two messages are in one queue.";
    SendWithdrawn "send-withdrawn" G5
        "A send was refused, and the thread kept what it wanted to send.";
    WaitsForSpace "waits-for-space" G6
        "A thread waits for space in a channel.";
    WaitsForMessage "waits-for-message" G6
        "A thread waits for a message.";
    WaitEndedByClose "wait-ended-by-close" G6
        "A receive ended because the channel was closed.";
    TimedOut "timed-out" G6
        "A deadline passed.";
    MessageOutlivesHandles "message-outlives-handles" G7
        "A message is in flight, and its owner has no handle left.";
    ViewOutlivesHandles "view-outlives-handles" G7
        "A view exists, and the owner of its buffer has no handle left.";
    ReleaseMeetsBusyOwner "release-meets-busy-owner" G8
        "A release waits for the lock of the owner.";
    ReceiveEndInFlight "receive-end-in-flight" G9
        "A receive end is inside a channel.";
    SendEndInOwnChannel "send-end-in-own-channel" G9
        "A send end is inside its own channel.";
    UnreachableRefused "unreachable-refused" G9
        "A receive end was not sent, because nobody could have received it.";
    EndDiscarded "end-discarded" G9
        "A thread discards a channel's end that nobody received.";
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of witnesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Witnesses(u32);

const _: () = assert!(Witness::ALL.len() <= 32, "a set of witnesses has 32 bits");

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

fn bit(witness: Witness) -> u32 {
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
            Witness::ViewExists => state.views.iter().any(Option::is_some),
            Witness::ThawRefused => has_result(state, |result| result == StepResult::ThawRefused),
            Witness::Thawed => has_claim(state, |claim| matches!(claim, Claim::Bytes(_))),
            Witness::TwoClones => state.views.iter().flatten().any(|view| view.clones >= 2),
            Witness::BufferDiscarded => discards(state, |todo| matches!(todo, Todo::Dereference(_))),
            Witness::Panicked => has_result(state, |result| result == StepResult::Panicked),
            Witness::MutualVisit => mutual_visit(state),
            Witness::WaitsForForeignLock => self.any_waits_for_lock(state, None),
            Witness::TwoQueued => state.channels.iter().any(|channel| channel.queue.len() >= 2),
            Witness::SendWithdrawn => has_result(state, |result| matches!(result, StepResult::SendRefused(_))),
            Witness::WaitsForSpace => self.any_waits(state, Side::Send),
            Witness::WaitsForMessage => self.any_waits(state, Side::Receive),
            Witness::WaitEndedByClose => has_result(state, |result| result == StepResult::ReceiveRefused(Why::Closed)),
            Witness::TimedOut => has_result(state, |result| {
                matches!(result, StepResult::SendRefused(Why::TimedOut) | StepResult::ReceiveRefused(Why::TimedOut))
            }),
            Witness::MessageOutlivesHandles => any_tally(state, |tally| tally.messages > 0 && tally.handles == 0),
            Witness::ViewOutlivesHandles => any_tally(state, |tally| tally.views > 0 && tally.handles == 0),
            Witness::ReleaseMeetsBusyOwner => self.any_waits_for_lock(state, Some(Cause::ViewRelease)),
            Witness::ReceiveEndInFlight => (0..state.channels.len()).any(|c| queued_in(state, c).is_some()),
            Witness::SendEndInOwnChannel => state.channels.iter().enumerate().any(|(index, channel)| {
                let is_own = |content| matches!(content, Content::SendEnd(c) if usize::from(c) == index);
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

    fn any_waits(&self, state: &State, side: Side) -> bool {
        (0..state.threads.len())
            .any(|thread| matches!(self.waits_at(state, thread), Some((_, as_side, false)) if as_side == side))
    }
}

fn mutual_visit(state: &State) -> bool {
    let visits: Vec<(u8, u8)> = (state.threads.iter().enumerate())
        .filter_map(|(index, thread)| Some((thread.home?, state.current(index)?)))
        .filter(|(home, attachment)| home != attachment)
        .collect();
    visits.iter().any(|&(home, attachment)| visits.contains(&(attachment, home)))
}

fn has_result(state: &State, matches: impl Fn(StepResult) -> bool) -> bool {
    state.threads.iter().flat_map(|thread| &thread.results).any(|&result| matches(result))
}

fn has_claim(state: &State, matches: impl Fn(Claim) -> bool) -> bool {
    state.threads.iter().flat_map(|thread| &thread.hands).any(|&claim| matches(claim))
}

/// Whether a thread discards something, and this is its next action.
fn discards(state: &State, next: impl Fn(Todo) -> bool) -> bool {
    let mut discarding = state.threads.iter().filter(|thread| thread.operation == Operation::Discard);
    discarding.any(|thread| thread.agenda.last().is_some_and(|&todo| next(todo)))
}

fn any_tally(state: &State, matches: impl Fn(super::state::Tally) -> bool) -> bool {
    (0..state.buffers.len()).any(|buffer| matches(state.tally(buffer)))
}
