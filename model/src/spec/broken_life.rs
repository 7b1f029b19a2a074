//! Where broken protocols differ from the end of an interpreter in `life`. Without a fault nothing in here does anything.

use super::program::Plan;
use super::state::{Content, Message, State};
use super::thread::{Claim, Receiving, StepResult, Todo, small};
use super::{Fault, Rules};

impl Rules {
    /// What an interpreter frees when it ends: nothing; its buffers live as long as they are referenced.
    pub(super) fn free_at_end(&self, state: &State, interpreter: u8) -> Plan {
        let all = if self.has(Fault::EndFreesUnderViews) { 0..state.buffers.len() } else { 0..0 };
        let shown = all.filter(|&buffer| state.tally(buffer).is_shared()).map(small);
        shown.filter(|&buffer| self.owner(buffer) == interpreter).map(Todo::Free).collect()
    }

    /// An interpreter that has ended takes its messages out of the queues.
    pub(super) fn drop_undelivered(&self, state: &mut State, interpreter: u8) {
        let is_its = |message: &Message| match message.content {
            Content::Buffer { buffer, .. } => self.owner(buffer) == interpreter,
            Content::SendEnd(..) | Content::ReceiveEnd(_) => false,
        };
        state.channels.iter_mut().for_each(|channel| channel.queue.retain(|message| !is_its(message)));
    }

    /// What a receive does to its channel after it has seen the owner of its message ending.
    pub(super) fn after_inspection(&self, state: &mut State, thread: usize, receiving: Receiving, owner: usize) {
        if !state.is_ending(owner) {
            return;
        }
        match (self.fault, &mut state.aside) {
            (Some(Fault::RemovalUnderChannelLock), Some(aside)) => {
                aside.latches.push((receiving.channel, small(thread)));
            }
            (Some(Fault::RemoveTakesTheNext), _) => {
                let queue = &mut state.channel(receiving.channel).queue;
                queue.drain(..queue.len().min(1));
            }
            _ => {}
        }
    }

    /// The message that is delivered all the same is still known to be undeliverable.
    pub(super) fn doom(&self, state: &mut State, thread: usize, buffer: u8) {
        for claim in &mut state.threads[thread].hands {
            if let Claim::Message { buffer: b, version } = *claim
                && b == buffer
            {
                *claim = Claim::Undeliverable { buffer, version };
            }
        }
    }

    /// What follows an inspection that finds no message in hand: only where the view was made before it.
    pub(super) fn inspect_too_late(&self, state: &mut State, thread: usize, ending: bool) {
        if ending {
            state.threads[thread].results.push(StepResult::OwnerEnded);
        }
    }
}

/// Wakes the threads of an interpreter that begins to end.
pub(super) fn wake_threads_of(state: &mut State, interpreter: usize) {
    let Some(aside) = &mut state.aside else { return };
    for (thread, asleep) in state.threads.iter().zip(&mut aside.asleep) {
        *asleep &= thread.home.map(usize::from) != Some(interpreter);
    }
}
