//! What proptest draws: numbers that every scenario can be compiled from, whichever they are.
//!
//! A sketch is not a scenario yet: it names nothing and refers to things by numbers that count modulo what there is. So any
//! part of it can be taken away or made smaller, and what is left still compiles. That is what shrinking does.

use super::Size;
use crate::scenario::{Strategy, Undelivered};
use proptest::arbitrary::any;
use proptest::collection::vec;
use proptest::option;
use proptest::strategy::{BoxedStrategy, Just, Strategy as _, Union};
use std::ops::RangeInclusive;

/// What a scenario is compiled from.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    pub(super) interpreters: usize,
    pub(super) buffers: Vec<BufferSketch>,
    /// None where there are slots.
    pub(super) channels: Vec<ChannelSketch>,
    pub(super) slots: Vec<SlotSketch>,
    pub(super) threads: Vec<ThreadSketch>,
    /// Threads and steps with a deadline that it has together at most.
    pub(super) most_with_deadlines: usize,
}

/// A buffer, owned where the thread is at home that holds it.
#[derive(Clone, Debug)]
pub(super) struct BufferSketch {
    pub(super) holder: usize,
    /// A bit for each thread that has a view of it from the start.
    pub(super) viewers: u8,
}

/// A channel.
#[derive(Clone, Debug)]
pub(super) struct ChannelSketch {
    pub(super) capacity: Option<usize>,
    pub(super) undelivered: Undelivered,
    /// A bit for each thread that has a send end from the start.
    pub(super) senders: u8,
    /// The thread that has the receive end, if any.
    pub(super) receiver: Option<usize>,
    /// Whether its ends are sent through channels.
    pub(super) travels: bool,
}

/// A slot.
#[derive(Clone, Debug)]
pub(super) struct SlotSketch {
    pub(super) publisher: usize,
    /// A bit for each thread that has a subscriber from the start.
    pub(super) subscribers: u8,
}

/// A thread.
#[derive(Clone, Debug)]
pub(super) struct ThreadSketch {
    /// How far its interpreter is from the one of its number; `None` if it is attached to nobody.
    pub(super) home: Option<usize>,
    pub(super) moves: Vec<Move>,
}

/// What a thread does next, if it can.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) verb: Verb,
    /// Chooses the first operand.
    pub(super) first: usize,
    /// Chooses the second one.
    pub(super) second: usize,
}

/// A kind of step, or the end of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Read,
    TrySend,
    TryReceive,
    Send,
    Receive,
    SendTimeout,
    ReceiveTimeout,
    Release,
    Drop,
    Clone,
    Slice,
    Copy,
    Thaw,
    Close,
    Safepoint,
    Undelivered,
    Publish,
    Peek,
    Attach,
    Detach,
    Leave,
    End,
    Panic,
}

/// The verbs where there are channels, the simplest first, each with its weight.
const OF_CHANNELS: &[(u32, Verb)] = &[
    (2, Verb::Read),
    (3, Verb::TrySend),
    (3, Verb::TryReceive),
    (9, Verb::Send),
    (9, Verb::Receive),
    (3, Verb::SendTimeout),
    (3, Verb::ReceiveTimeout),
    (4, Verb::Release),
    (3, Verb::Drop),
    (3, Verb::Clone),
    (2, Verb::Slice),
    (3, Verb::Copy),
    (3, Verb::Thaw),
    (2, Verb::Close),
    (2, Verb::Safepoint),
    (1, Verb::Undelivered),
    (2, Verb::Attach),
    (2, Verb::Detach),
    (2, Verb::Leave),
    (2, Verb::End),
    (1, Verb::Panic),
];

/// The verbs where there are slots.
const OF_SLOTS: &[(u32, Verb)] = &[
    (2, Verb::Read),
    (9, Verb::Publish),
    (9, Verb::Peek),
    (3, Verb::Release),
    (3, Verb::Drop),
    (3, Verb::Copy),
    (2, Verb::Thaw),
    (2, Verb::Safepoint),
    (1, Verb::Attach),
    (1, Verb::Detach),
    (2, Verb::Leave),
    (1, Verb::End),
    (1, Verb::Panic),
];

/// How many of each thing a sketch has.
struct Extent {
    interpreters: RangeInclusive<usize>,
    threads: RangeInclusive<usize>,
    moves: RangeInclusive<usize>,
    buffers: RangeInclusive<usize>,
    channels: RangeInclusive<usize>,
    /// Each step with a deadline is one more thread under loom.
    most_with_deadlines: usize,
}

impl Extent {
    fn of(size: Size) -> Self {
        let (interpreters, threads, moves, buffers, channels, most_with_deadlines) = match size {
            Size::Tiny => (2..=2, 2..=2, 0..=4, 1..=1, 1..=1, 3),
            Size::Small => (2..=3, 2..=3, 0..=6, 1..=2, 1..=2, 5),
            Size::Middle => (2..=4, 2..=4, 0..=12, 1..=4, 1..=3, 5),
            Size::Large => (2..=5, 3..=4, 0..=48, 1..=6, 1..=4, 5),
        };
        Self { interpreters, threads, moves, buffers, channels, most_with_deadlines }
    }
}

/// The most slots of a scenario.
const MOST_SLOTS: usize = 2;

/// Sketches of scenarios for a strategy: of slots for `epoch`, of channels for the others.
pub(super) fn sketches(size: Size, strategy: Strategy) -> BoxedStrategy<Sketch> {
    let extent = Extent::of(size);
    let has_slots = strategy == Strategy::Epoch;
    let channels = if has_slots { 0..=0 } else { extent.channels };
    let slots = if has_slots { 1..=MOST_SLOTS } else { 0..=0 };
    let verbs = if has_slots { OF_SLOTS } else { OF_CHANNELS };
    let parts = (
        extent.interpreters,
        vec(buffers(), extent.buffers),
        vec(self::channels(), channels),
        vec(self::slots(), slots),
        vec(threads(verbs, extent.moves), extent.threads),
    );
    let most_with_deadlines = extent.most_with_deadlines;
    parts
        .prop_map(move |(interpreters, buffers, channels, slots, threads)| Sketch {
            interpreters,
            buffers,
            channels,
            slots,
            threads,
            most_with_deadlines,
        })
        .boxed()
}

fn buffers() -> impl proptest::strategy::Strategy<Value = BufferSketch> {
    let viewers = Union::new_weighted(vec![(2, Just(0).boxed()), (1, any::<u8>().boxed())]);
    (mostly_first(), viewers).prop_map(|(holder, viewers)| BufferSketch { holder, viewers })
}

fn channels() -> impl proptest::strategy::Strategy<Value = ChannelSketch> {
    let policy = Union::new(Undelivered::ALL.map(Just));
    // Mostly the first thread sends, which mostly has something to send, and the second receives.
    let senders = Union::new_weighted(vec![(3, Just(1).boxed()), (2, any::<u8>().boxed())]);
    let receiver = Union::new_weighted(vec![(3, Just(1).boxed()), (2, any::<u8>().boxed())]).prop_map(usize::from);
    let parts = (option::of(1..=2_usize), policy, senders, option::weighted(0.9, receiver), any::<bool>());
    parts.prop_map(|(capacity, undelivered, senders, receiver, travels)| ChannelSketch {
        capacity,
        undelivered,
        senders,
        receiver,
        travels,
    })
}

fn slots() -> impl proptest::strategy::Strategy<Value = SlotSketch> {
    (mostly_first(), any::<u8>()).prop_map(|(publisher, subscribers)| SlotSketch { publisher, subscribers })
}

/// The number of a thread: mostly the first, so that who publishes has something to publish.
fn mostly_first() -> impl proptest::strategy::Strategy<Value = usize> {
    Union::new_weighted(vec![(2, Just(0).boxed()), (1, any::<u8>().boxed())]).prop_map(usize::from)
}

fn threads(
    verbs: &[(u32, Verb)],
    count: RangeInclusive<usize>,
) -> impl proptest::strategy::Strategy<Value = ThreadSketch> + use<> {
    let home = Union::new_weighted(vec![(8, Just(Some(0))), (1, Just(Some(1))), (2, Just(None))]);
    let verb = Union::new_weighted(verbs.iter().map(|&(weight, verb)| (weight, Just(verb))).collect());
    let one = (verb, any::<u8>(), any::<u8>());
    let one = one.prop_map(|(verb, first, second)| Move { verb, first: first.into(), second: second.into() });
    (home, vec(one, count)).prop_map(|(home, moves)| ThreadSketch { home, moves })
}
