//! Scenarios far beyond what can be explored, made to measure: up to 16 interpreters and 1,000 messages.
//!
//! A crowd is a ring. Each interpreter has a thread, which sends its own buffer to the next one, round by round, and receives,
//! clones, reads and releases what comes from the one before. Each channel has room for one message, so that senders wait as
//! well. All of them hold a view of the first buffer from the start, and clone and drop it in each round. Each ends its
//! interpreter when it is through, while the views of its neighbours may still exist.

use super::{
    BufferDecl, ChannelDecl, Holding, Located, Patience, Scenario, Step, Strategy, ThreadDecl, Tier, Undelivered,
};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// How many interpreters there may be.
pub const INTERPRETERS: RangeInclusive<usize> = 2..=16;
/// How many messages there may be.
pub const MESSAGES: RangeInclusive<usize> = 1..=1000;

// The variables of a thread, in this order: its buffer, the ends of its two channels, the common view; then what it makes.
const OWN: usize = 0;
const NEXT: usize = 1;
const PREVIOUS: usize = 2;
const COMMON: usize = 3;
const COPY: usize = 4;
const VIEW: usize = 5;
const CLONE: usize = 6;

/// The crowd with this name, `crowd-INTERPRETERS-MESSAGES`; `None` for other names.
///
/// # Errors
///
/// When it would be too small or too large.
pub fn named(name: &str) -> Option<Result<Scenario, String>> {
    let (interpreters, messages) = name.strip_prefix("crowd-")?.split_once('-')?;
    let (interpreters, messages) = (interpreters.parse().ok()?, messages.parse().ok()?);
    if !INTERPRETERS.contains(&interpreters) || !MESSAGES.contains(&messages) {
        let (least, most, more) = (INTERPRETERS.start(), INTERPRETERS.end(), MESSAGES.end());
        let expected =
            format!("crowd-INTERPRETERS-MESSAGES, of {least} to {most} interpreters and 1 to {more} messages");
        return Some(Err(format!("{name}: expected {expected}")));
    }
    Some(Ok(crowd(interpreters, messages)))
}

/// A crowd of so many interpreters, in which so many messages are sent.
///
/// # Panics
///
/// If there are fewer or more of them than [`INTERPRETERS`] and [`MESSAGES`] allow.
pub fn crowd(interpreters: usize, messages: usize) -> Scenario {
    assert!(INTERPRETERS.contains(&interpreters) && MESSAGES.contains(&messages), "{interpreters}, {messages}");
    let sends = |thread: usize| messages / interpreters + usize::from(thread < messages % interpreters);
    let thread = |thread: usize| {
        let before = (thread + interpreters - 1) % interpreters;
        member(thread, (thread + 1) % interpreters, sends(thread), sends(before))
    };
    Scenario {
        name: format!("crowd-{interpreters}-{messages}"),
        about: format!(
            "A ring of {interpreters} interpreters passes {messages} messages on: every guarantee, at size."
        ),
        tier: Tier::Bounded { preemptions: 2 },
        strategies: Strategy::OF_CHANNELS.to_vec(),
        bounded_for: BTreeMap::new(),
        batch: 1,
        defect: None,
        fault: None,
        interpreters: (0..interpreters).map(|index| format!("I{index}")).collect(),
        buffers: (0..interpreters).map(|owner| BufferDecl { name: format!("x{owner}"), owner }).collect(),
        channels: (0..interpreters).map(channel).collect(),
        slots: Vec::new(),
        threads: (0..interpreters).map(thread).collect(),
    }
}

fn channel(index: usize) -> ChannelDecl {
    ChannelDecl { name: format!("c{index}"), capacity: Some(1), undelivered: Undelivered::Deliver }
}

/// The thread of an interpreter: it sends so many messages into the channel of the `next`, and receives so many.
fn member(thread: usize, next: usize, sends: usize, receives: usize) -> ThreadDecl {
    let mut body = Vec::new();
    for round in 0..sends.max(receives) {
        if round < sends {
            body.push(Step::Copy { what: OWN, into: COPY });
            body.push(Step::Send { end: NEXT, what: COPY, patience: Patience::Forever });
        }
        if round < receives {
            body.push(Step::Receive { end: PREVIOUS, into: VIEW, patience: Patience::Forever });
            body.push(Step::Clone { view: VIEW, into: CLONE });
            body.push(Step::Read { what: CLONE });
            body.push(Step::Release { view: VIEW });
            body.push(Step::Release { view: CLONE });
        }
        body.push(Step::Clone { view: COMMON, into: CLONE });
        body.push(Step::Safepoint);
        body.push(Step::Release { view: CLONE });
    }
    body.push(Step::End { interpreter: thread });
    let mut line = 0;
    let mut located = |step: Step| {
        line += 1;
        Located { text: format!("{step:?}"), step, line }
    };
    let body = body.into_iter().map(&mut located).collect();
    let steps = vec![located(Step::Attach { interpreter: thread, body, unwind: None })];
    let held = [format!("x{thread}"), format!("c{next}.tx"), format!("c{thread}.rx"), "x0.view".to_owned()];
    let made = ["copy", "view", "clone"].map(str::to_owned);
    ThreadDecl {
        name: format!("t{thread}"),
        variables: held.into_iter().chain(made).collect(),
        holds: vec![Holding::Handle(thread), Holding::SendEnd(next), Holding::ReceiveEnd(thread), Holding::View(0)],
        steps,
    }
}

#[cfg(test)]
mod tests {
    use super::{crowd, named};
    use crate::scenario::Step;

    /// All messages that were asked for are sent, and received.
    #[test]
    fn a_crowd_has_its_size() {
        for (interpreters, messages) in [(2, 1), (3, 7), (16, 1000)] {
            let crowd = crowd(interpreters, messages);
            assert_eq!(crowd.name, format!("crowd-{interpreters}-{messages}"));
            assert_eq!(crowd.interpreters.len(), interpreters);
            let steps: Vec<&Step> =
                crowd.threads.iter().flat_map(|thread| thread.preorder()).map(|located| &located.step).collect();
            assert_eq!(steps.iter().filter(|step| matches!(step, Step::Send { .. })).count(), messages);
            assert_eq!(steps.iter().filter(|step| matches!(step, Step::Receive { .. })).count(), messages);
        }
        assert!(crowd(16, 1000).is_large() && crowd(6, 1).is_large());
    }

    #[test]
    fn only_crowds_of_a_possible_size_have_a_name() {
        assert_eq!(named("crowd-4-9"), Some(Ok(crowd(4, 9))));
        for not_one in ["one-message", "crowd", "crowd-4", "crowd-4-", "crowd-4-9-1", "crowd-x-9", "crowd--4-9"] {
            assert_eq!(named(not_one), None, "{not_one}");
        }
        for wrong in ["crowd-1-9", "crowd-17-9", "crowd-4-0", "crowd-4-1001"] {
            let refused = named(wrong).expect("a crowd").expect_err("of no possible size");
            assert!(refused.starts_with(&format!("{wrong}: expected ")), "{refused}");
        }
    }
}
