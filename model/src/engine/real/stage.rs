//! Setting a scenario up: interpreters, buffers, channels, slots, and what each thread holds at the start.

use super::value::{self, Value};
use super::{Identities, life, slots};
use crate::scenario::{Holding, Scenario};
use viewchan::channel::{Nudge, unbounded_with};
use viewchan::strategy::Strategy;
use viewchan::{Buffer, BufferMut, Interpreter, Message, ReceiveEnd, SendEnd, View};

/// How many returned buffers an interpreter of a scenario collects at a time: as many as in the specification.
const BATCH: usize = 1;

/// A scenario before its threads start. Made without a recorder: the specification starts behind it.
pub(in crate::engine) struct Stage<S: Strategy<Interpreter>> {
    pub(in crate::engine) interpreters: Vec<Interpreter>,
    pub(in crate::engine) identities: Identities,
    /// For each thread, what its variables hold.
    pub(in crate::engine) held: Vec<Vec<Option<Value<S>>>>,
    /// For each channel, what wakes its waiters.
    pub(in crate::engine) nudges: Vec<Nudge<Interpreter, S>>,
}

impl<S: Strategy<Interpreter>> Stage<S> {
    pub(in crate::engine) fn set(scenario: &Scenario) -> Self {
        let variables = |thread: &crate::scenario::ThreadDecl| thread.variables.iter().map(|_| None).collect();
        let mut stage = Self {
            interpreters: scenario.interpreters.iter().map(|_| Interpreter::with_batch(BATCH)).collect(),
            identities: Identities::default(),
            held: scenario.threads.iter().map(variables).collect(),
            nudges: Vec::new(),
        };
        stage.identities.interpreters = stage.interpreters.iter().map(viewchan::Runtime::id).collect();
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
        let handle = owner.attach(|token| {
            let handle = BufferMut::from(value::bytes(index, 0)).freeze(token);
            self.identities.buffers.push(handle.object_id());
            for (thread, variable) in places(scenario, Holding::Handle(index)) {
                self.held[thread][variable] = Some(Value::Handle(handle.clone_ref(token)));
            }
            handle
        });
        if let Some((&last, others)) = viewers.split_last() {
            let view = open(&owner, &handle);
            for &(thread, variable) in others {
                self.held[thread][variable] = Some(Value::View(view.clone()));
            }
            self.held[last.0][last.1] = Some(Value::View(view));
        }
        owner.attach(|_| drop(handle));
    }

    /// Makes a channel and gives its ends to those who hold them.
    fn hand_out_ends(&mut self, scenario: &Scenario, index: usize) {
        let (send, receive) = life::open(&scenario.channels[index]);
        self.identities.channels.push(send.channel_id());
        self.nudges.push(send.nudge());
        // The parser lets one thread hold it at most.
        if let Some(&(thread, variable)) = places(scenario, Holding::ReceiveEnd(index)).first() {
            let end: ReceiveEnd<Interpreter, S> = receive;
            self.held[thread][variable] = Some(Value::ReceiveEnd(end));
        }
        for (thread, variable) in places(scenario, Holding::SendEnd(index)) {
            let end: SendEnd<Interpreter, S> = send.clone();
            self.held[thread][variable] = Some(Value::SendEnd(end));
        }
    }

    /// Makes a slot and gives its publisher and its subscribers to those who hold them.
    fn hand_out_slot(&mut self, scenario: &Scenario, index: usize) {
        let (publisher, subscriber) = slots::open();
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
fn open<S: Strategy<Interpreter>>(owner: &Interpreter, handle: &Buffer) -> View<Interpreter, S> {
    let (send, receive) = unbounded_with();
    let sent = owner.attach(|token| send.send(token, handle.clone_ref(token)));
    let Ok(()) = sent else { unreachable!("the channel is open") };
    match receive.recv() {
        Ok(Message::View(view)) => view,
        _ => unreachable!("a view was sent"),
    }
}

/// The threads and variables that hold `what` at the start.
fn places(scenario: &Scenario, what: Holding) -> Vec<(usize, usize)> {
    let of_thread = |(thread, decl): (usize, &crate::scenario::ThreadDecl)| {
        let holds = decl.holds.iter().enumerate();
        holds.filter(|&(_, &held)| held == what).map(move |(variable, _)| (thread, variable)).collect::<Vec<_>>()
    };
    scenario.threads.iter().enumerate().flat_map(of_thread).collect()
}
