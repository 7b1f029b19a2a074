//! Broadcast slots: what one consists of, who reads what in it, and what a thread can do with it.
//!
//! A guard is not counted anywhere: it is what a thread has in hand or in a reading. Its identity is the thread together
//! with the variable that its reading is for, so that states stay canonical.

use super::state::State;
use super::thread::{Claim, Value, small};

/// What a thread does with a broadcast slot in one atomic step. Buffers are indices into the list of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotAct {
    /// Adds a holder: a clone of a subscriber, or a reader.
    Join,
    /// Drops a holder. The last one takes the current value along.
    Leave,
    /// Makes a guard.
    Pin,
    /// Loads the current value under the guard.
    Load {
        /// What was found. Maybe a value that was replaced before the load, if that waits for the guard.
        buffer: Option<usize>,
    },
    /// Drops the guard. What waited for it alone passes to the thread, which gives it back.
    Unpin,
    /// Makes an exported buffer the current value, and takes out the one before.
    Publish {
        /// Which buffer.
        buffer: usize,
    },
    /// Lets the value that was taken out wait for all guards that there are now.
    Retire {
        /// The value's buffer.
        buffer: usize,
    },
}

impl SlotAct {
    /// What the thread does, in words.
    pub(super) fn describe(self, slot: &str, name: impl Fn(usize) -> String) -> String {
        match self {
            Self::Join => format!("becomes a holder of {slot}"),
            Self::Leave => format!("gives up a holder of {slot}"),
            Self::Pin => format!("makes a guard of {slot}"),
            Self::Load { buffer: Some(buffer) } => format!("loads {} from {slot}", name(buffer)),
            Self::Load { buffer: None } => format!("finds nothing in {slot}"),
            Self::Unpin => format!("gives up a guard of {slot}"),
            Self::Publish { buffer } => format!("publishes {} in {slot}", name(buffer)),
            Self::Retire { buffer } => format!("retires {} from {slot}", name(buffer)),
        }
    }

    /// The buffer that it names.
    pub(super) fn buffer(self) -> Option<usize> {
        match self {
            Self::Publish { buffer } | Self::Retire { buffer } => Some(buffer),
            Self::Load { buffer } => buffer,
            Self::Join | Self::Leave | Self::Pin | Self::Unpin => None,
        }
    }
}

/// A pending action of a thread with a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SlotTodo {
    /// Make a subscriber for this variable, or a reader, which is in hand first.
    Join {
        slot: u8,
        into: Option<u8>,
    },
    /// Give up the holder in hand.
    Leave(u8),
    Pin(Place),
    /// Load into the variable of the guard.
    Load(Place),
    Unpin(Place),
    /// Publish the buffer in hand.
    Publish {
        slot: u8,
        buffer: u8,
    },
    /// Retire the value in hand.
    Retire {
        slot: u8,
        value: Shown,
    },
    /// Put the buffer on its owner's return list. An errand waits until all that the thread returns is on the lists.
    Return(u8),
}

/// Where a guard of a thread is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) slot: u8,
    /// The variable of the reading; `PUBLISHING` for the guard of a publish.
    pub(super) variable: u8,
}

/// No variable has this number: see `Rules::new`.
pub(super) const PUBLISHING: u8 = u8::MAX;

/// A guard of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Guard {
    pub(super) thread: u8,
    /// See [`Place::variable`].
    pub(super) variable: u8,
}

/// A buffer as it was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shown {
    pub(super) buffer: u8,
    pub(super) version: u16,
}

/// A value that was replaced and waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Retired {
    pub(super) value: Shown,
    /// The guards that it waits for, in order. Never empty: who retires has one itself.
    pub(super) blockers: Vec<Guard>,
}

/// A broadcast slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SlotState {
    pub(super) current: Option<Shown>,
    /// In the order in which they were retired.
    pub(super) retired: Vec<Retired>,
    /// How many publishers, subscribers and readers there are.
    pub(super) holders: u16,
}

impl State {
    /// How many holders a slot has.
    pub fn holders(&self, slot: usize) -> usize {
        self.slots.get(slot).map_or(0, |slot| slot.holders.into())
    }

    /// The buffer that is the current value of a slot.
    pub fn current_value(&self, slot: usize) -> Option<usize> {
        self.slots.get(slot)?.current.map(|shown| shown.buffer.into())
    }

    pub(super) fn slot(&mut self, slot: u8) -> &mut SlotState {
        &mut self.slots[usize::from(slot)]
    }

    /// The guards of a slot, in order.
    pub(super) fn guards(&self, slot: u8) -> Vec<Guard> {
        let mut guards: Vec<Guard> = self.readings(slot).map(|(guard, _)| guard).collect();
        for (index, thread) in self.threads.iter().enumerate() {
            guards.extend(thread.hands.iter().filter_map(|claim| match *claim {
                Claim::Guard(place) if place.slot == slot => {
                    Some(Guard { thread: small(index), variable: place.variable })
                }
                _ => None,
            }));
        }
        guards.sort_unstable();
        guards
    }

    /// The readings of a slot: under which guard, and what they show.
    pub(super) fn readings(&self, slot: u8) -> impl Iterator<Item = (Guard, Shown)> {
        let of_thread = move |(index, thread): (usize, &super::thread::ThreadState)| {
            let variables = thread.variables.iter().enumerate();
            let reading = move |(variable, value): (usize, &Value)| match *value {
                Value::Reading { slot: of, value } if of == slot => {
                    Some((Guard { thread: small(index), variable: small(variable) }, value))
                }
                _ => None,
            };
            variables.filter_map(reading).collect::<Vec<_>>()
        };
        self.threads.iter().enumerate().flat_map(of_thread)
    }

    /// The values that were taken out of a slot and have yet to be retired.
    pub(super) fn replaced(&self, slot: u8) -> impl Iterator<Item = Shown> {
        self.threads.iter().flat_map(|thread| &thread.hands).filter_map(move |claim| match *claim {
            Claim::Replaced { slot: of, value } if of == slot => Some(value),
            _ => None,
        })
    }

    /// The values that a guard keeps: the current one, those that are about to be retired, since it will be among those
    /// that they wait for, and those that wait for it.
    pub(super) fn kept_for(&self, slot: u8, guard: Guard) -> Vec<Shown> {
        let there = &self.slots[usize::from(slot)];
        let waiting = there.retired.iter().filter(|retired| retired.blockers.contains(&guard));
        let waiting = waiting.map(|retired| retired.value);
        there.current.into_iter().chain(self.replaced(slot)).chain(waiting).collect()
    }

    /// Everything that was published and is not given back yet.
    pub(super) fn published(&self) -> impl Iterator<Item = Shown> {
        let in_slot = |slot: &SlotState| {
            let retired = slot.retired.iter().map(|retired| retired.value);
            slot.current.into_iter().chain(retired).collect::<Vec<_>>()
        };
        let slots = (0..self.slots.len()).map(small);
        self.slots.iter().flat_map(in_slot).chain(slots.flat_map(|slot| self.replaced(slot)))
    }

    /// How many holders a slot really has. A reading has a reader.
    pub(super) fn count_holders(&self, slot: u8) -> usize {
        let holds = |value: &&Value| match **value {
            Value::Publisher(of) | Value::Subscriber(of) | Value::Reading { slot: of, .. } => of == slot,
            _ => false,
        };
        let variables = self.threads.iter().flat_map(|thread| &thread.variables).filter(holds).count();
        let hands = self.threads.iter().flat_map(|thread| &thread.hands);
        variables + hands.filter(|&&claim| claim == Claim::Holder(slot)).count()
    }
}
