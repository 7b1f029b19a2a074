//! The real code on real threads: many rounds of a scenario, each with other delays.
//!
//! No proof, but real memory, real time and real locks. Each round's outcome must be one that the specification allows, and
//! what was frozen must have been freed.

use super::host::Reference;
use super::real::{DeadlineOf, Observer, Stage, Worker};
use crate::monitor::{Failure, outcome};
use crate::scenario::{Buffer, Scenario, Thread};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;
use viewchan::Interpreter;
use viewchan::strategy::Strategy;
use viewchan::sync::Deadline;
use viewchan::trace::Event;

/// Runs a scenario `rounds` times and returns the outcomes.
///
/// # Errors
///
/// The first round whose outcome is not `allowed`, or that leaves bytes behind.
pub fn repeat<S: Strategy<Interpreter>>(
    scenario: &Arc<Scenario>,
    rounds: u64,
    allowed: &BTreeSet<String>,
) -> Result<BTreeSet<String>, Failure> {
    let mut outcomes = BTreeSet::new();
    for number in 0..rounds {
        let outcome = round::<S>(scenario, number)?;
        if !allowed.contains(&outcome) {
            return Err(failure(None, format!("the specification does not allow the outcome {outcome:?}")));
        }
        outcomes.insert(outcome);
    }
    Ok(outcomes)
}

fn round<S: Strategy<Interpreter>>(scenario: &Arc<Scenario>, number: u64) -> Result<String, Failure> {
    let mut stage = Stage::<Reference, S>::set(scenario);
    let balance = Arc::new(Balance { frozen: AtomicI64::new(0), noise: AtomicU64::new(seed(number)) });
    let noise = Arc::clone(&balance);
    let deadline: DeadlineOf = Arc::new(move |_| Deadline::after(Duration::from_micros(noise.draw() % 300)));
    let start = Arc::new(Barrier::new(scenario.threads.len()));
    let spawn = |thread| {
        let observer: Arc<dyn Observer> = Arc::clone(&balance) as _;
        let worker = Worker::new(scenario, thread, &mut stage, observer, Arc::clone(&deadline));
        let start = Arc::clone(&start);
        std::thread::spawn(move || {
            start.wait();
            worker.run()
        })
    };
    let threads: Vec<_> = (0..scenario.threads.len()).map(spawn).collect();
    drop(stage);
    let mut results = Vec::new();
    for thread in threads {
        results.push(thread.join().map_err(|_| failure(None, "a thread panicked".to_owned()))?);
    }
    // ORDERING: Relaxed: joining the threads orders their last writes before this.
    let frozen = balance.frozen.load(Ordering::Relaxed) + i64::try_from(scenario.buffers.len()).expect("few");
    if frozen != 0 {
        return Err(failure(Some("G3"), format!("{frozen} more buffers were frozen than freed or thawed")));
    }
    Ok(outcome(scenario, &results))
}

fn failure(guarantee: Option<&'static str>, why: String) -> Failure {
    Failure { guarantee, why, trace: Vec::new() }
}

/// Counts buffers, and delays threads a little, differently each time.
struct Balance {
    /// Frozen minus freed and thawed since the threads started.
    frozen: AtomicI64,
    noise: AtomicU64,
}

impl Balance {
    /// A number from a linear congruential sequence.
    fn draw(&self) -> u64 {
        // ORDERING: Relaxed: any mixture of the threads' draws is noise.
        let state = self.noise.load(Ordering::Relaxed).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.noise.store(state, Ordering::Relaxed);
        state >> 33
    }
}

fn seed(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Observer for Balance {
    fn event(&self, _thread: Thread, event: &Event) {
        let change = match event {
            Event::Frozen { .. } => 1,
            Event::Freed { .. } | Event::Thawed { .. } => -1,
            _ => 0,
        };
        self.frozen.fetch_add(change, Ordering::Relaxed);
        // Every fourth event or so is followed by a delay of up to a thousand turns.
        let draw = self.draw();
        if draw.is_multiple_of(4) {
            (0..draw % 1000).for_each(|_| std::hint::spin_loop());
        }
    }

    fn read(&self, _thread: Thread, _buffer: Buffer) {}
}
