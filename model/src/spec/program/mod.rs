//! The protocol: which atomic actions each step of a thread consists of.
//!
//! A step expands to a *plan*, a list of pending actions; doing one may put a further plan before the rest. Each plan
//! passes [`Rules::amend`], where a broken protocol differs from this one. Nothing in here knows what is lawful.
//!
//! Most of it is the same for all strategies: blocks and channels, here. `sharing` is where they differ, `proxy`,
//! `deferred` and `epoch` are what only some of them have.

mod deferred;
mod epoch;
mod proxy;
mod sharing;

use super::action::{Cause, Side, Why};
use super::broken::Moment;
use super::code::Instruction;
use super::life::Decision;
use super::operation::Operation;
use super::slot::SlotTodo;
use super::state::State;
use super::thread::{Block, Claim, Receiving, Sending, StepResult, ThreadState, Todo, Value, Window};
use super::{Fault, Rules};

/// What a thread does in order.
pub(super) type Plan = Vec<Todo>;

impl Rules {
    /// Lets a thread think until it wants something: ends the operation that is done and expands further steps.
    /// Afterwards its agenda is empty only if it has finished.
    pub(super) fn settle(&self, state: &mut State, thread: usize) {
        loop {
            let me = &mut state.threads[thread];
            match me.agenda.last() {
                Some(&Todo::Now(decision)) => {
                    me.agenda.pop();
                    self.decide(state, thread, decision);
                }
                Some(_) => return,
                None => {
                    self.conclude(state, thread);
                    let me = &mut state.threads[thread];
                    let Some(&instruction) = self.code[thread].get(usize::from(me.position)) else { return };
                    me.position += 1;
                    self.expand(state, thread, instruction);
                }
            }
        }
    }

    /// Ends an operation: what it still has in its hands is lost. The protocol leaves nothing there.
    fn conclude(&self, state: &mut State, thread: usize) {
        state.threads[thread].hands.clear();
        state.threads[thread].operation = Operation::Idle;
        if let Some(aside) = &mut state.aside {
            aside.unlatch(thread);
        }
    }

    fn expand(&self, state: &mut State, thread: usize, instruction: Instruction) {
        match instruction {
            Instruction::Begin { target, past } => self.begin(state, thread, target, past),
            Instruction::End { panicked } => self.end(state, thread, panicked),
            Instruction::Safepoint => self.safepoint(state, thread),
            Instruction::Send { end, what, patience } => {
                if let Value::SendEnd(channel, undelivered) = state.threads[thread].variable(end)
                    && end != what
                {
                    self.send(state, thread, Sending { channel, what, undelivered, patience });
                }
            }
            Instruction::Receive { end, into, view, patience } => {
                if let Value::ReceiveEnd(channel) = state.threads[thread].variable(end)
                    && state.threads[thread].is_empty(into)
                {
                    self.receive(state, thread, Receiving { channel, into, view, patience });
                }
            }
            Instruction::Copy { what, into } => self.copy(state, thread, what, into),
            Instruction::Clone { view, into, fresh, operation } => {
                if let Value::View(view) = state.threads[thread].variable(view)
                    && state.threads[thread].is_empty(into)
                {
                    self.clone_view(state, thread, view, Window { into, view: fresh, is_copy: true }, operation);
                }
            }
            Instruction::Read(what) => {
                let value = state.threads[thread].variable(what);
                if matches!(value, Value::Handle(_) | Value::View(_) | Value::Reading { .. }) {
                    state.threads[thread].start(Operation::Read, vec![Todo::Read(what)]);
                }
            }
            Instruction::Release(view) => {
                if let Value::View(_) | Value::Reading { .. } = state.threads[thread].variable(view) {
                    self.drop_value(state, thread, view);
                }
            }
            Instruction::Drop { unwinding: true, what } if self.has(Fault::PanicLeaks) => {
                state.threads[thread].assign(what, Value::Empty);
            }
            Instruction::Drop { what, .. } => self.drop_value(state, thread, what),
            Instruction::Thaw(handle) => self.thaw(state, thread, handle),
            Instruction::Publish { publisher, what } => self.publish(state, thread, publisher, what),
            Instruction::Peek { subscriber, into } => self.peek(state, thread, subscriber, into),
            Instruction::EndInterpreter(interpreter) => self.end_interpreter(state, thread, interpreter),
            Instruction::Undelivered { end, policy } => self.set_policy(state, thread, end, policy),
            Instruction::Close(end) => {
                if matches!(state.threads[thread].variable(end), Value::SendEnd(..) | Value::ReceiveEnd(_)) {
                    self.close(state, thread, end);
                }
            }
        }
    }

    /// `attach` and `detach`: leave where you are, enter the target. Whether the thread stays there is decided there.
    fn begin(&self, state: &mut State, thread: usize, target: Option<u8>, past: u16) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        if current == target {
            me.blocks.push(Block::Same);
            return;
        }
        let mut plan = self.travel(current, None, Cause::Attach);
        match target {
            Some(interpreter) => {
                let admit = Decision::Admit { interpreter, before: current, past };
                plan.extend([Todo::Enter(interpreter, Cause::Attach), Todo::Now(admit)]);
                me.start(Operation::Attach, plan);
            }
            None => {
                me.blocks.push(Block::Left(current));
                me.home = None;
                me.start(Operation::Detach, plan);
            }
        }
    }

    /// `end`, or `panic`: leave where the block is, go back to where the thread was before.
    fn end(&self, state: &mut State, thread: usize, panicked: bool) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        if panicked {
            me.results.push(StepResult::Panicked);
        }
        if let Some(Block::Left(before)) = me.blocks.pop() {
            me.home = before;
            let operation = if current.is_some() { Operation::Attach } else { Operation::Detach };
            let mut plan = current.map_or_else(Plan::new, |interpreter| self.last_out(state, interpreter));
            plan.extend(self.travel(current, before, Cause::Return));
            state.threads[thread].start(operation, plan);
        }
    }

    fn safepoint(&self, state: &mut State, thread: usize) {
        if let Some(interpreter) = state.current(thread) {
            let plan = [self.look(interpreter), self.emptying(interpreter), vec![Todo::Safepoint(interpreter)]];
            state.threads[thread].start(Operation::Safepoint, plan.concat());
        }
    }

    fn copy(&self, state: &mut State, thread: usize, what: u8, into: u8) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        if !me.is_empty(into) {
            return;
        }
        match me.variable(what) {
            Value::Handle(buffer) if current == Some(self.owner(buffer)) => {
                me.start(Operation::Copy, vec![Todo::Reference { buffer, into }]);
            }
            Value::SendEnd(channel, undelivered) => {
                me.start(Operation::Copy, vec![Todo::CloneSender { channel, undelivered, into }]);
            }
            Value::Subscriber(slot) => {
                let join = SlotTodo::Join { slot, into: Some(into) };
                me.start(Operation::Copy, vec![Todo::Slot(join)]);
            }
            Value::Handle(_) | Value::View(_) | Value::ReceiveEnd(_) | Value::Empty => {}
            Value::Publisher(_) | Value::Reading { .. } => {}
        }
    }

    fn send(&self, state: &mut State, thread: usize, sending: Sending) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        match me.variable(sending.what) {
            Value::Handle(buffer) if current != Some(self.owner(buffer)) => me.results.push(StepResult::NotOwner),
            Value::Handle(buffer) => {
                let plan = self.pin(state, thread, buffer, sending).into_iter().chain([Todo::TrySend(sending)]);
                state.threads[thread].start(Operation::Send, plan.collect());
            }
            Value::SendEnd(..) => me.start(Operation::Send, vec![Todo::TrySend(sending)]),
            Value::ReceiveEnd(moving) => self.send_receive_end(state, thread, sending, moving),
            Value::View(_) | Value::Empty => {}
            Value::Publisher(_) | Value::Subscriber(_) | Value::Reading { .. } => {}
        }
    }

    /// Moors the end where it will be, *then* walks up from there: of two threads that send two ends into each other,
    /// the second to moor sees the first (G9). An end never travels through its own channel.
    fn send_receive_end(&self, state: &mut State, thread: usize, sending: Sending, moving: u8) {
        let plan = if moving == sending.channel {
            vec![]
        } else {
            let moor = Todo::Moor { channel: moving, inside: Some(sending.channel) };
            vec![moor, first_probe(sending, moving)]
        };
        let plan = self.amend(state, thread, Moment::Mooring { sending }, plan);
        let me = &mut state.threads[thread];
        if plan.is_empty() {
            me.results.push(StepResult::Unreachable);
        } else {
            me.start(Operation::Send, plan);
        }
    }

    /// After a step of the walk that found the receive end of the last channel in `seen` inside `inside`. A channel that
    /// was seen before closes a circle: this send's, or for a moment one of two other sends, which are not done yet.
    pub(super) fn walk_on(&self, state: &mut State, thread: usize, sending: Sending, seen: u64, inside: Option<u8>) {
        let Value::ReceiveEnd(moving) = state.threads[thread].variable(sending.what) else { return };
        let plan = match inside {
            None => self.amend(state, thread, Moment::Reachable { sending, moving }, vec![Todo::TrySend(sending)]),
            Some(node) if self.closes_circle(seen & bit(node) != 0, node == moving) => {
                state.threads[thread].results.push(StepResult::Unreachable);
                vec![Todo::Moor { channel: moving, inside: None }]
            }
            Some(node) => vec![Todo::Probe { node, seen: seen | bit(node), sending }],
        };
        state.threads[thread].first(plan);
    }

    /// After a send that found no space: wait, attached to nobody.
    pub(super) fn wait_for_space(&self, state: &mut State, thread: usize, sending: Sending) {
        let plan = self.away(state.current(thread), vec![Todo::WaitSend(sending)]);
        let plan = self.amend(state, thread, Moment::Waiting, plan);
        state.threads[thread].first(plan);
    }

    /// After a send that was finally refused: the thread keeps what it wanted to send. A buffer that was exported for it
    /// becomes a handle again when the thread is back where it was.
    pub(super) fn keep(&self, state: &mut State, thread: usize, sending: Sending, why: Why) {
        let me = &mut state.threads[thread];
        me.results.push(StepResult::SendRefused(why));
        let pinned = me.hands.iter().find_map(|claim| claim.message());
        let plan = match (me.variable(sending.what), pinned) {
            (Value::ReceiveEnd(moving), _) => vec![Todo::Moor { channel: moving, inside: None }],
            (Value::Empty, Some(buffer)) => vec![Todo::Unpin { buffer, into: sending.what }],
            _ => vec![],
        };
        let plan = self.amend(state, thread, Moment::Refused { sending }, plan);
        match pinned {
            Some(_) => state.threads[thread].last(plan),
            None => state.threads[thread].first(plan),
        }
    }

    /// Looks for a message from where the thread is; only who finds none leaves.
    pub(super) fn receive(&self, state: &mut State, thread: usize, receiving: Receiving) {
        let attached = state.current(thread).is_some();
        let plan = vec![if attached { Todo::TryTake(receiving) } else { Todo::Take(receiving) }];
        state.threads[thread].start(Operation::Receive, plan);
    }

    /// After a receive that found no message: wait, attached to nobody.
    pub(super) fn wait_for_message(&self, state: &mut State, thread: usize, receiving: Receiving) {
        let plan = self.away(state.current(thread), vec![Todo::Take(receiving)]);
        let plan = self.amend(state, thread, Moment::Waiting, plan);
        state.threads[thread].first(plan);
    }

    /// `drop` of whatever it is.
    fn drop_value(&self, state: &mut State, thread: usize, variable: u8) {
        let current = state.current(thread);
        match state.threads[thread].variable(variable) {
            Value::Empty => {}
            Value::View(view) => {
                let plan = vec![Todo::DropView { view, from: variable }];
                let plan = self.amend(state, thread, Moment::Dropping { view }, plan);
                state.threads[thread].start(Operation::Release, plan);
            }
            Value::Handle(buffer) => {
                let plan = self.at(current, self.owner(buffer), Cause::Attach, vec![Todo::Dereference(buffer)]);
                let me = &mut state.threads[thread];
                me.pick_up(variable, Claim::Handle(buffer));
                me.start(Operation::DropHandle, plan);
            }
            Value::SendEnd(channel, _) => {
                let me = &mut state.threads[thread];
                me.pick_up(variable, Claim::SendEnd(channel));
                me.start(Operation::DropEnd, vec![Todo::DropSender(channel)]);
            }
            Value::ReceiveEnd(_) => self.close(state, thread, variable),
            Value::Publisher(slot) | Value::Subscriber(slot) => self.drop_holder(state, thread, slot, variable),
            Value::Reading { slot, .. } => self.drop_reading(state, thread, slot, variable),
        }
    }

    /// `close` of either end, and `drop` of a receive end.
    fn close(&self, state: &mut State, thread: usize, variable: u8) {
        let me = &mut state.threads[thread];
        let (claim, todo) = match me.variable(variable) {
            Value::SendEnd(channel, _) => (Claim::SendEnd(channel), Todo::Close(channel, Side::Send)),
            Value::ReceiveEnd(channel) => (Claim::ReceiveEnd(channel), Todo::Close(channel, Side::Receive)),
            _ => return,
        };
        me.pick_up(variable, claim);
        me.start(Operation::Close, vec![todo]);
    }

    fn thaw(&self, state: &mut State, thread: usize, handle: u8) {
        let current = state.current(thread);
        let me = &mut state.threads[thread];
        if let Value::Handle(buffer) = me.variable(handle)
            && current == Some(self.owner(buffer))
        {
            me.start(Operation::Thaw, vec![Todo::Thaw { buffer, handle }]);
        }
    }

    /// Leave where the thread is, if anywhere, and enter where it goes, if anywhere.
    pub(super) fn travel(&self, from: Option<u8>, to: Option<u8>, cause: Cause) -> Plan {
        let depart = from.into_iter().flat_map(|interpreter| self.depart(interpreter, Cause::Attach));
        depart.chain(to.into_iter().flat_map(|interpreter| self.arrive(interpreter, cause))).collect()
    }

    /// Leave, do the plan, go back; just the plan if attached to nobody.
    pub(super) fn away(&self, current: Option<u8>, plan: Plan) -> Plan {
        let there = self.travel(current, None, Cause::Return);
        let back = self.travel(None, current, Cause::Return);
        there.into_iter().chain(plan).chain(back).collect()
    }

    /// Enter an interpreter, do the plan, leave it.
    pub(super) fn visit(&self, interpreter: u8, cause: Cause, plan: Plan) -> Plan {
        let (there, back) = (self.arrive(interpreter, cause), self.depart(interpreter, cause));
        there.into_iter().chain(plan).chain(back).collect()
    }

    /// Do the plan under the owner's lock: as it is if the thread has it, else in a visit away from where the thread is.
    pub(super) fn at(&self, current: Option<u8>, owner: u8, cause: Cause, plan: Plan) -> Plan {
        if current == Some(owner) { plan } else { self.away(current, self.visit(owner, cause, plan)) }
    }
}

impl ThreadState {
    pub(super) fn start(&mut self, operation: Operation, plan: Plan) {
        self.operation = operation;
        self.first(plan);
    }

    /// Takes the content of a variable into the hands.
    fn pick_up(&mut self, variable: u8, claim: Claim) {
        self.assign(variable, Value::Empty);
        self.hands.push(claim);
    }
}

/// The first step of the walk before the receive end of `moving` is sent.
pub(super) fn first_probe(sending: Sending, moving: u8) -> Todo {
    Todo::Probe { node: sending.channel, seen: bit(sending.channel) | bit(moving), sending }
}

fn bit(channel: u8) -> u64 {
    1 << channel
}
