//! From a sketch to a scenario: what there is, who holds it, and who may wait for whom.

use super::program::Program;
use super::sketch::{ChannelSketch, Sketch};
use crate::scenario::{
    Buffer, BufferDecl, Channel, ChannelDecl, Holding, Interpreter, Scenario, SlotDecl, Strategy, Thread, ThreadDecl,
    Tier,
};
use std::collections::BTreeMap;

/// How often a buffer is thawed at most: its bytes tell its version in four bits.
const MOST_THAWS: usize = 15;

const INTERPRETERS: [&str; 5] = ["A", "B", "C", "D", "E"];
const BUFFERS: [&str; 6] = ["x", "y", "z", "p", "q", "r"];
const CHANNELS: [&str; 4] = ["c", "d", "e", "f"];
const SLOTS: [&str; 2] = ["s", "t"];
const THREADS: [&str; 4] = ["one", "two", "three", "four"];

/// A channel, and whether the ends of it stay where they are.
pub(super) struct Route {
    senders: Vec<Thread>,
    receiver: Option<Thread>,
    is_bounded: bool,
    /// Whether its ends are sent through channels.
    pub(super) travels: bool,
}

/// What all threads share while their programs are compiled.
pub(super) struct World {
    pub(super) interpreters: Vec<String>,
    pub(super) owners: Vec<Interpreter>,
    pub(super) routes: Vec<Route>,
    /// How many more steps may have a deadline.
    pub(super) deadlines: usize,
    /// How often each buffer may still be thawed.
    pub(super) thaws: Vec<usize>,
}

impl World {
    /// Whether a thread may wait for space for as long as it takes.
    ///
    /// Nobody waits in a circle, because threads wait only for threads with lower numbers, and the ends of channels that
    /// anybody waits at do not travel: thread 0 waits for nobody, so it ends and drops its ends, and so on.
    pub(super) fn may_wait_to_send(&self, channel: Channel, thread: Thread) -> bool {
        let Route { receiver, is_bounded, travels, .. } = self.routes[channel];
        !is_bounded || (!travels && receiver.is_none_or(|receiver| receiver < thread))
    }

    /// Whether a thread may wait for a message for as long as it takes: see [`Self::may_wait_to_send`].
    pub(super) fn may_wait_to_receive(&self, channel: Channel, thread: Thread) -> bool {
        let route = &self.routes[channel];
        !route.travels && route.senders.iter().all(|&sender| sender < thread)
    }
}

/// Compiles a sketch. Whatever it is, the scenario is one that the parser accepts, and that cannot wait for ever.
pub(super) fn compile(sketch: &Sketch, strategy: Strategy) -> Scenario {
    let threads = sketch.threads.len();
    let homes: Vec<Option<Interpreter>> = home_of_each(sketch);
    let holder_of = |buffer: Buffer| sketch.buffers[buffer].holder % threads;
    let owner_of = |buffer| homes[holder_of(buffer)].unwrap_or(holder_of(buffer) % sketch.interpreters);
    let owners: Vec<Interpreter> = (0..sketch.buffers.len()).map(owner_of).collect();
    let mut scenario = Scenario {
        name: "generated".to_owned(),
        about: "Generated.".to_owned(),
        tier: Tier::Exhaustive,
        strategies: vec![strategy],
        bounded_for: BTreeMap::new(),
        // Of 2 in every other one.
        batch: 1 + sketch.buffers.len() % 2,
        defect: None,
        fault: None,
        interpreters: names(&INTERPRETERS, sketch.interpreters),
        buffers: names(&BUFFERS, owners.len())
            .into_iter()
            .zip(&owners)
            .map(|(name, &owner)| BufferDecl { name, owner })
            .collect(),
        channels: names(&CHANNELS, sketch.channels.len())
            .into_iter()
            .zip(&sketch.channels)
            .map(|(name, it)| ChannelDecl { name, capacity: it.capacity, undelivered: it.undelivered })
            .collect(),
        slots: names(&SLOTS, sketch.slots.len()).into_iter().map(|name| SlotDecl { name }).collect(),
        threads: Vec::new(),
    };
    let mut world = World {
        interpreters: scenario.interpreters.clone(),
        thaws: vec![MOST_THAWS; owners.len()],
        owners,
        routes: sketch.channels.iter().map(|channel| route(channel, threads)).collect(),
        deadlines: sketch.most_with_deadlines - threads,
    };
    for (thread, name) in names(&THREADS, threads).into_iter().enumerate() {
        let holds = holdings(sketch, &world, thread);
        let is_last_chance = thread + 1 == threads && scenario.threads.is_empty();
        if holds.is_empty() && sketch.threads[thread].moves.is_empty() && !is_last_chance {
            continue;
        }
        let held = holds.iter().map(|&holding| scenario.name_of(holding)).collect();
        let mut program = Program::new(&mut world, thread, homes[thread], &holds, held);
        sketch.threads[thread].moves.iter().for_each(|&next| program.play(next));
        let (variables, steps) = program.finish();
        scenario.threads.push(ThreadDecl { name, variables, holds, steps });
    }
    scenario
}

fn home_of_each(sketch: &Sketch) -> Vec<Option<Interpreter>> {
    let threads = sketch.threads.iter().enumerate();
    threads.map(|(thread, decl)| decl.home.map(|shift| (thread + shift) % sketch.interpreters)).collect()
}

/// The first of some names.
fn names(all: &[&str], count: usize) -> Vec<String> {
    assert!(count <= all.len(), "{count} names of {all:?}");
    all[..count].iter().map(|&name| name.to_owned()).collect()
}

fn route(channel: &ChannelSketch, threads: usize) -> Route {
    let receiver = channel.receiver.map(|receiver| receiver % threads);
    let is_sender = |&thread: &Thread| bit(channel.senders, thread);
    let mut senders: Vec<Thread> = (0..threads).filter(is_sender).collect();
    // Without any end it would not be there.
    if senders.is_empty() && receiver.is_none() {
        senders.push(0);
    }
    Route { senders, receiver, is_bounded: channel.capacity.is_some(), travels: channel.travels }
}

fn holdings(sketch: &Sketch, world: &World, thread: Thread) -> Vec<Holding> {
    let threads = sketch.threads.len();
    let mut holds = Vec::new();
    for (index, buffer) in sketch.buffers.iter().enumerate() {
        holds.extend((buffer.holder % threads == thread).then_some(Holding::Handle(index)));
        let is_viewer = sketch.slots.is_empty() && bit(buffer.viewers, thread);
        holds.extend(is_viewer.then_some(Holding::View(index)));
    }
    for (index, route) in world.routes.iter().enumerate() {
        holds.extend(route.senders.contains(&thread).then_some(Holding::SendEnd(index)));
        holds.extend((route.receiver == Some(thread)).then_some(Holding::ReceiveEnd(index)));
    }
    for (index, slot) in sketch.slots.iter().enumerate() {
        holds.extend((slot.publisher % threads == thread).then_some(Holding::Publisher(index)));
        holds.extend(bit(slot.subscribers, thread).then_some(Holding::Subscriber(index)));
    }
    holds
}

fn bit(mask: u8, thread: Thread) -> bool {
    mask >> thread & 1 == 1
}
