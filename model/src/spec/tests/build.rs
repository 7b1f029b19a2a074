//! Scenarios as Rust data: every thread is a chain of its steps, with the names that the reader knows from the files.

use crate::scenario::{
    BufferDecl, ChannelDecl, Holding, Interpreter, Located, Patience, Scenario, SlotDecl, Step, Strategy, ThreadDecl,
    Tier, Undelivered, Variable,
};
use std::collections::BTreeMap;

/// The interpreters of every scenario: `A` is 0, `B` is 1.
pub(super) const A: Interpreter = 0;
pub(super) const B: Interpreter = 1;

/// A scenario of two interpreters. Buffers with their owners, channels with their capacities.
pub(super) fn scenario(
    name: &str,
    buffers: &[(&str, Interpreter)],
    channels: &[(&str, Option<usize>)],
    threads: Vec<Thread>,
) -> Scenario {
    let buffers = buffers.iter().map(|&(name, owner)| BufferDecl { name: name.into(), owner });
    let channels = channels.iter().map(|&(name, capacity)| ChannelDecl {
        name: name.into(),
        capacity,
        undelivered: Undelivered::default(),
    });
    Scenario {
        name: name.into(),
        about: String::new(),
        tier: Tier::Exhaustive,
        strategies: vec![Strategy::View],
        bounded_for: BTreeMap::new(),
        batch: 1,
        defect: None,
        fault: None,
        interpreters: vec!["A".into(), "B".into()],
        buffers: buffers.collect(),
        channels: channels.collect(),
        slots: vec![],
        threads: threads.into_iter().map(Thread::build).collect(),
    }
}

/// The scenario, with a slot and for the strategy of slots.
pub(super) fn with_slot(mut scenario: Scenario) -> Scenario {
    scenario.slots.push(SlotDecl { name: "s".into() });
    scenario.strategies = vec![Strategy::Epoch];
    scenario
}

/// The scenario, with this policy for all its channels.
pub(super) fn with_policy(mut scenario: Scenario, policy: Undelivered) -> Scenario {
    scenario.channels.iter_mut().for_each(|channel| channel.undelivered = policy);
    scenario
}

/// A thread under construction.
#[derive(Default)]
pub(super) struct Thread {
    name: String,
    variables: Vec<String>,
    holds: Vec<Holding>,
    steps: Vec<Located>,
}

/// A thread without steps.
pub(super) fn thread(name: &str) -> Thread {
    Thread { name: name.into(), ..Thread::default() }
}

impl Thread {
    fn build(self) -> ThreadDecl {
        ThreadDecl { name: self.name, variables: self.variables, holds: self.holds, steps: self.steps }
    }

    fn holding(mut self, variable: &str, holding: Holding) -> Self {
        assert_eq!(self.holds.len(), self.variables.len(), "what is held comes before the steps");
        self.variables.push(variable.into());
        self.holds.push(holding);
        self
    }

    /// Holds a handle of a buffer.
    pub(super) fn handle(self, variable: &str, buffer: usize) -> Self {
        self.holding(variable, Holding::Handle(buffer))
    }

    /// Holds a clone of the view of a buffer.
    pub(super) fn view(self, variable: &str, buffer: usize) -> Self {
        self.holding(variable, Holding::View(buffer))
    }

    /// Holds a send end.
    pub(super) fn tx(self, variable: &str, channel: usize) -> Self {
        self.holding(variable, Holding::SendEnd(channel))
    }

    /// Holds a receive end.
    pub(super) fn rx(self, variable: &str, channel: usize) -> Self {
        self.holding(variable, Holding::ReceiveEnd(channel))
    }

    /// Holds the publisher of a slot.
    pub(super) fn publisher(self, variable: &str, slot: usize) -> Self {
        self.holding(variable, Holding::Publisher(slot))
    }

    /// Holds a subscriber of a slot.
    pub(super) fn subscriber(self, variable: &str, slot: usize) -> Self {
        self.holding(variable, Holding::Subscriber(slot))
    }

    fn var(&mut self, name: &str) -> Variable {
        self.variables.iter().position(|known| known == name).unwrap_or_else(|| {
            self.variables.push(name.into());
            self.variables.len() - 1
        })
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(Located { step, text: String::new(), line: 0 });
        self
    }

    /// The steps of `body`, with the variables of this thread.
    fn block(&mut self, body: impl FnOnce(Self) -> Self) -> Vec<Located> {
        let inner = Self { variables: std::mem::take(&mut self.variables), ..Self::default() };
        let inner = body(inner);
        self.variables = inner.variables;
        inner.steps
    }

    pub(super) fn attach(mut self, interpreter: Interpreter, body: impl FnOnce(Self) -> Self) -> Self {
        let body = self.block(body);
        self.step(Step::Attach { interpreter, body, unwind: None })
    }

    pub(super) fn panic(mut self, interpreter: Interpreter, drops: &[&str], body: impl FnOnce(Self) -> Self) -> Self {
        let body = self.block(body);
        let unwind = Some(drops.iter().map(|name| self.var(name)).collect());
        self.step(Step::Attach { interpreter, body, unwind })
    }

    pub(super) fn detach(mut self, body: impl FnOnce(Self) -> Self) -> Self {
        let body = self.block(body);
        self.step(Step::Detach { body })
    }

    pub(super) fn safepoint(self) -> Self {
        self.step(Step::Safepoint)
    }

    fn send_for(mut self, end: &str, what: &str, patience: Patience) -> Self {
        let (end, what) = (self.var(end), self.var(what));
        self.step(Step::Send { end, what, patience })
    }

    pub(super) fn send(self, end: &str, what: &str) -> Self {
        self.send_for(end, what, Patience::Forever)
    }

    pub(super) fn try_send(self, end: &str, what: &str) -> Self {
        self.send_for(end, what, Patience::Never)
    }

    pub(super) fn send_timeout(self, end: &str, what: &str) -> Self {
        self.send_for(end, what, Patience::Deadline)
    }

    fn recv_for(mut self, end: &str, into: &str, patience: Patience) -> Self {
        let (end, into) = (self.var(end), self.var(into));
        self.step(Step::Receive { end, into, patience })
    }

    pub(super) fn recv(self, end: &str, into: &str) -> Self {
        self.recv_for(end, into, Patience::Forever)
    }

    pub(super) fn try_recv(self, end: &str, into: &str) -> Self {
        self.recv_for(end, into, Patience::Never)
    }

    pub(super) fn recv_timeout(self, end: &str, into: &str) -> Self {
        self.recv_for(end, into, Patience::Deadline)
    }

    pub(super) fn copy(mut self, what: &str, into: &str) -> Self {
        let (what, into) = (self.var(what), self.var(into));
        self.step(Step::Copy { what, into })
    }

    pub(super) fn clone_view(mut self, view: &str, into: &str) -> Self {
        let (view, into) = (self.var(view), self.var(into));
        self.step(Step::Clone { view, into })
    }

    pub(super) fn slice(mut self, view: &str, into: &str) -> Self {
        let (view, into) = (self.var(view), self.var(into));
        self.step(Step::Slice { view, into })
    }

    pub(super) fn read(mut self, what: &str) -> Self {
        let what = self.var(what);
        self.step(Step::Read { what })
    }

    pub(super) fn release(mut self, view: &str) -> Self {
        let view = self.var(view);
        self.step(Step::Release { view })
    }

    pub(super) fn drop(mut self, what: &str) -> Self {
        let what = self.var(what);
        self.step(Step::Drop { what })
    }

    pub(super) fn publish(mut self, publisher: &str, what: &str) -> Self {
        let (publisher, what) = (self.var(publisher), self.var(what));
        self.step(Step::Publish { publisher, what })
    }

    pub(super) fn peek(mut self, subscriber: &str, into: &str) -> Self {
        let (subscriber, into) = (self.var(subscriber), self.var(into));
        self.step(Step::Peek { subscriber, into })
    }

    pub(super) fn thaw(mut self, handle: &str) -> Self {
        let handle = self.var(handle);
        self.step(Step::Thaw { handle })
    }

    pub(super) fn close(mut self, end: &str) -> Self {
        let end = self.var(end);
        self.step(Step::Close { end })
    }

    pub(super) fn end(self, interpreter: Interpreter) -> Self {
        self.step(Step::End { interpreter })
    }

    pub(super) fn undelivered(mut self, end: &str, policy: Undelivered) -> Self {
        let end = self.var(end);
        self.step(Step::Undelivered { end, policy })
    }
}
