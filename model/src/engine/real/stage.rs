//! Setting a scenario up: interpreters, buffers, channels, slots, and what each thread holds at the start.

use super::value::{self, Value, Variables};
use super::{Identities, words};
use crate::engine::host::Host;
use crate::scenario::{Holding, Scenario};
use viewchan::channel::{Nudge, unbounded_with};
use viewchan::strategy::Strategy;
use viewchan::strategy::epoch::slot_with;
use viewchan::{Buffer, Message, Runtime, View};

/// A scenario before its threads start. Made without a recorder: the specification starts behind it.
pub(in crate::engine) struct Stage<H: Host, S: Strategy<H::Runtime>> {
    pub(in crate::engine) interpreters: Vec<H::Runtime>,
    pub(in crate::engine) identities: Identities,
    /// For each thread, what it holds.
    pub(in crate::engine) held: Vec<Variables<H::Runtime, S>>,
    /// For each channel, what wakes its waiters.
    pub(in crate::engine) nudges: Vec<Nudge<H::Runtime, S>>,
}

impl<H: Host, S: Strategy<H::Runtime>> Stage<H, S> {
    pub(in crate::engine) fn set(scenario: &Scenario) -> Self {
        let variables = |thread: &crate::scenario::ThreadDecl| thread.variables.iter().map(|_| None).collect();
        let mut stage = Self {
            interpreters: scenario.interpreters.iter().map(|_| H::interpreter(scenario.batch)).collect(),
            identities: Identities::default(),
            held: scenario.threads.iter().map(variables).collect(),
            nudges: Vec::new(),
        };
        stage.identities.interpreters = stage.interpreters.iter().map(Runtime::id).collect();
        for buffer in 0..scenario.buffers.len() {
            stage.hand_out_buffer(scenario, buffer);
        }
        for channel in 0..scenario.channels.len() {
            stage.hand_out_ends(scenario, channel);
        }
        for slot in 0..scenario.slots.len() {
            stage.hand_out_slot(scenario, slot);
        }
        stage
    }

    /// Freezes a buffer and gives handles and views to those who hold them: all viewers clones of one view, which goes
    /// to the last of them, so that a strategy whose clones are views of their own makes no more of them than there are
    /// viewers.
    fn hand_out_buffer(&mut self, scenario: &Scenario, index: usize) {
        let owner = self.interpreters[scenario.buffers[index].owner].clone();
        let viewers = places(scenario, Holding::View(index));
        let handle = attached::<H, _>(&owner, |stay| {
            let handle = H::freeze(stay, value::bytes(index, 0));
            self.identities.buffers.push(H::object_id(&handle));
            for (thread, variable) in places(scenario, Holding::Handle(index)) {
                self.held[thread][variable] = Some(Value::Handle(handle.clone_ref(H::token(stay))));
            }
            handle
        });
        if let Some((&last, others)) = viewers.split_last() {
            let view = open::<H, S>(&owner, &handle);
            for &(thread, variable) in others {
                self.held[thread][variable] = Some(Value::View(view.clone()));
            }
            self.held[last.0][last.1] = Some(Value::View(view));
        }
        attached::<H, _>(&owner, |_| drop(handle));
    }

    /// Makes a channel and gives its ends to those who hold them.
    fn hand_out_ends(&mut self, scenario: &Scenario, index: usize) {
        let (send, receive) = words::open(&scenario.channels[index]);
        self.identities.channels.push(send.channel_id());
        self.nudges.push(send.nudge());
        // The parser lets one thread hold it at most.
        if let Some(&(thread, variable)) = places(scenario, Holding::ReceiveEnd(index)).first() {
            self.held[thread][variable] = Some(Value::ReceiveEnd(receive));
        }
        for (thread, variable) in places(scenario, Holding::SendEnd(index)) {
            self.held[thread][variable] = Some(Value::SendEnd(send.clone()));
        }
    }

    /// Makes a slot and gives its publisher and its subscribers to those who hold them.
    fn hand_out_slot(&mut self, scenario: &Scenario, index: usize) {
        let (publisher, subscriber) = slot_with();
        self.identities.slots.push(publisher.slot_id());
        // The parser lets one thread hold it at most.
        if let Some(&(thread, variable)) = places(scenario, Holding::Publisher(index)).first() {
            self.held[thread][variable] = Some(Value::Publisher(publisher));
        }
        for (thread, variable) in places(scenario, Holding::Subscriber(index)) {
            self.held[thread][variable] = Some(Value::Subscriber(subscriber.clone()));
        }
    }
}

/// A view of a buffer, made in the only way there is: by sending it. It is received attached to nobody, so that it
/// belongs to no interpreter.
fn open<H: Host, S: Strategy<H::Runtime>>(owner: &H::Runtime, handle: &Buffer<H::Runtime>) -> View<H::Runtime, S> {
    let (send, receive) = unbounded_with();
    let sent = attached::<H, _>(owner, |stay| send.send(H::token(stay), handle.clone_ref(H::token(stay))));
    let Ok(()) = sent else { unreachable!("the channel is open") };
    match receive.recv() {
        Ok(Message::View(view)) => view,
        _ => unreachable!("a view was sent"),
    }
}

/// Does something in an interpreter whose threads have not started.
fn attached<H: Host, T>(interpreter: &H::Runtime, work: impl FnOnce(&mut H::Stay<'_>) -> T) -> T {
    let mut done = None;
    let came = H::attach(None, interpreter, |stay| done = Some(work(stay)));
    done.filter(|_| came.is_ok()).expect("an interpreter lets threads in until it ends")
}

/// The threads and variables that hold `what` at the start.
fn places(scenario: &Scenario, what: Holding) -> Vec<(usize, usize)> {
    let of_thread = |(thread, decl): (usize, &crate::scenario::ThreadDecl)| {
        let holds = decl.holds.iter().enumerate();
        holds.filter(|&(_, &held)| held == what).map(move |(variable, _)| (thread, variable)).collect::<Vec<_>>()
    };
    scenario.threads.iter().enumerate().flat_map(of_thread).collect()
}
