//! Setting a scenario up: interpreters, buffers, channels, and what each thread holds at the start.

use super::Identities;
use super::value::{self, Value};
use crate::scenario::{Holding, Scenario};
use viewchan::channel::{Nudge, bounded_with, unbounded_with};
use viewchan::strategy::Strategy;
use viewchan::{Attached, Buffer, BufferMut, Interpreter, Message, ReceiveEnd, SendEnd, View};

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
            interpreters: scenario.interpreters.iter().map(|_| Interpreter::new()).collect(),
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
        stage
    }

    /// Freezes a buffer and gives handles and views to those who hold them.
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
        if !viewers.is_empty() {
            let view = owner.attach(|token| open(token, &handle));
            for (thread, variable) in viewers {
                self.held[thread][variable] = Some(Value::View(view.clone()));
            }
        }
        owner.attach(|_| drop(handle));
    }

    /// Makes a channel and gives its ends to those who hold them.
    fn hand_out_ends(&mut self, scenario: &Scenario, index: usize) {
        let (send, receive) = match scenario.channels[index].capacity {
            Some(capacity) => bounded_with(capacity),
            None => unbounded_with(),
        };
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
}

/// A view of a buffer, made in the only way there is: by sending it.
fn open<S: Strategy<Interpreter>>(token: &Attached<'_>, handle: &Buffer) -> View<Interpreter, S> {
    let (send, receive) = unbounded_with();
    let Ok(()) = send.send(token, handle.clone_ref(token)) else { unreachable!("the channel is open") };
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
