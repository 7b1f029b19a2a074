//! The real code on real threads: many rounds of a scenario, each with other delays, on the runtime of a [`Host`].
//!
//! No proof, but real memory, real time and real locks. It holds three things against the specification: each round's
//! outcome is one that it allows; what was frozen was freed (G3); and during each operation a thread acquires locks of
//! other interpreters with no other cause than exploration found for that operation (G1). Of a scenario that is too big to
//! be explored, the outcomes are not known, and the causes are all that are lawful.
//!
//! On the reference runtime this is the engine `threads`. A backend runs the same:
//!
//! ```
//! use std::sync::Arc;
//! use viewchan_model::engine::conformance;
//! use viewchan_model::engine::host::Reference;
//! use viewchan_model::report::Verdict;
//! use viewchan_model::scenario::{Strategy, shipped};
//!
//! let scenario = shipped().into_iter().find(|scenario| scenario.name == "one-message").expect("it is shipped");
//! let run = conformance::check::<Reference>(&Arc::new(scenario), Strategy::View, 10)?;
//! assert_eq!(run.verdict, Verdict::Pass);
//! # Ok::<(), String>(())
//! ```

use super::host::{Host, Reference};
use super::real::{DeadlineOf, Observer, Stage, Worker};
use super::spec::explore_unless_big;
use super::strategy::{Work, with_strategy};
use crate::fault::Planted;
use crate::monitor::{Failure, Row, Rows, outcome};
use crate::report::Run;
use crate::scenario::{self, Buffer, Interpreter, Scenario, Thread};
use crate::spec::{self, Exploration, Operation, lawful_rows};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use viewchan::strategy::Strategy;
use viewchan::sync::Deadline;
use viewchan::trace::Event;

/// Runs a scenario `rounds` times under a strategy and reports the run. What went wrong is in it.
///
/// A round that never ends is not noticed here: whoever runs this gives it a process of its own, and a time limit.
///
/// # Errors
///
/// When this build has not got the strategy.
pub fn check<H: Host>(scenario: &Arc<Scenario>, strategy: scenario::Strategy, rounds: u64) -> Result<Run, String> {
    match Specified::of(scenario, strategy) {
        Ok(specified) => with_strategy!(strategy, S => observe::<H, S>(&specified, rounds).0),
        Err(broken) => {
            let failure = failure(Some(broken.guarantee.id()), format!("the specification itself: {broken}"));
            let violations = vec![failure.into()];
            Ok(Run { violations, ..Run::begun(scenario, strategy, H::ENGINE, None) }.judged())
        }
    }
}

/// [`check`] on the reference runtime with something put into the code. Breaks this process: use a child.
///
/// # Errors
///
/// If it cannot be put into that strategy.
pub fn check_planted(
    planted: Planted,
    scenario: &Arc<Scenario>,
    strategy: scenario::Strategy,
    rounds: u64,
) -> Result<Run, String> {
    struct Observe(Specified, u64);
    impl Work for Observe {
        type Outcome = Run;

        fn with<S: Strategy<viewchan::Interpreter>>(self) -> Run {
            observe::<Reference, S>(&self.0, self.1).0
        }
    }
    let specified =
        Specified::of(scenario, strategy).map_err(|broken| format!("the specification itself: {broken}"))?;
    planted.run(strategy, Observe(specified, rounds))
}

/// [`repeat`], and the run for the report, with whatever went wrong in it. What was seen is empty if anything did.
pub fn observe<H: Host, S: Strategy<H::Runtime>>(specified: &Specified, rounds: u64) -> (Run, Seen) {
    let start = Instant::now();
    let begun = Run::begun(&specified.scenario, specified.strategy, H::ENGINE, None);
    let seen = repeat::<H, S>(specified, rounds);
    let mut run = Run { executions: rounds, seconds: start.elapsed().as_secs_f64(), ..begun };
    match seen {
        Ok(seen) => {
            run.outcomes = seen.outcomes.iter().cloned().collect();
            run.operations = seen.operations;
            run.agrees_with_spec = specified.outcomes.is_some();
            (run.judged(), seen)
        }
        Err(failure) => {
            run.violations.push(failure.into());
            (run.judged(), Seen::default())
        }
    }
}

/// What the specification says about a scenario.
#[derive(Clone, Debug)]
pub struct Specified {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// The strategy.
    pub strategy: scenario::Strategy,
    /// The outcomes that it allows; `None` if it is too big to be explored.
    pub outcomes: Option<BTreeSet<String>>,
    /// During which operation a thread may acquire the lock of an interpreter that is not its own, and why: as exploration
    /// found it, or all that is lawful if it was too big.
    pub rows: BTreeSet<Row>,
}

impl Specified {
    /// Explores all of it, if it is not too big.
    ///
    /// # Errors
    ///
    /// When the scenario breaks the specification: then it says nothing.
    pub fn of(scenario: &Arc<Scenario>, strategy: scenario::Strategy) -> Result<Self, spec::Violation> {
        let (outcomes, rows) = match explore_unless_big(scenario, strategy) {
            Some(Exploration { violation: Some(found), .. }) => return Err(found.violation),
            Some(explored) => (Some(explored.outcomes), explored.lock_table),
            None => (None, lawful_rows(strategy)),
        };
        Ok(Self { scenario: Arc::clone(scenario), strategy, outcomes, rows })
    }
}

/// What was seen in all rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The outcomes.
    pub outcomes: BTreeSet<String>,
    /// During which operation a thread acquired the lock of an interpreter that was not its own, and why.
    pub rows: BTreeSet<Row>,
    /// How many steps the threads came to.
    pub operations: u64,
}

/// Runs a scenario `rounds` times with the type `S`, which is to behave as the strategy.
///
/// # Errors
///
/// The first round whose outcome is not allowed, or in which a thread acquires a lock that it may not, or after which a
/// buffer is left over.
pub fn repeat<H: Host, S: Strategy<H::Runtime>>(specified: &Specified, rounds: u64) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    for number in 0..rounds {
        round::<H, S>(specified, number, &mut seen)?;
    }
    Ok(seen)
}

fn round<H: Host, S: Strategy<H::Runtime>>(specified: &Specified, number: u64, seen: &mut Seen) -> Result<(), Failure> {
    let scenario = &specified.scenario;
    let stage = Stage::<H, S>::set(scenario);
    let interpreters = stage.interpreters.clone();
    let rows = Rows::new(scenario, specified.strategy, stage.identities.interpreters.clone());
    let noise = AtomicU64::new(seed(number));
    let witness = Arc::new(Witness { rows, frozen: AtomicI64::new(0), operations: AtomicU64::new(0), noise });
    let results = run_threads(scenario, stage, &witness)?;

    // ORDERING: Relaxed: joining the threads orders their last writes before this.
    let counted = witness.frozen.load(Ordering::Relaxed) + i64::try_from(scenario.buffers.len()).expect("few");
    let left_over = H::left_over(&interpreters, counted);
    interpreters.into_iter().for_each(H::retire);
    if left_over != 0 {
        return Err(failure(Some("G3"), format!("{left_over} more buffers were frozen than freed or thawed")));
    }
    let rows = witness.rows.finish(scenario, &specified.rows).map_err(|why| failure(Some("G1"), why))?;
    let outcome = outcome(scenario, &results);
    if specified.outcomes.as_ref().is_some_and(|allowed| !allowed.contains(&outcome)) {
        return Err(failure(None, format!("the specification does not allow the outcome {outcome:?}")));
    }
    // ORDERING: Relaxed: as above.
    seen.operations += witness.operations.load(Ordering::Relaxed);
    seen.rows.extend(rows);
    seen.outcomes.insert(outcome);
    Ok(())
}

/// Lets the threads go all at once, and returns the results of each.
fn run_threads<H: Host, S: Strategy<H::Runtime>>(
    scenario: &Arc<Scenario>,
    mut stage: Stage<H, S>,
    witness: &Arc<Witness>,
) -> Result<Vec<Vec<String>>, Failure> {
    let noise = Arc::clone(witness);
    let deadline: DeadlineOf = Arc::new(move |_| Deadline::after(Duration::from_micros(noise.draw() % 300)));
    let start = Arc::new(Barrier::new(scenario.threads.len()));
    let spawn = |thread| {
        let observer: Arc<dyn Observer> = Arc::clone(witness) as _;
        let worker = Worker::new(scenario, thread, &mut stage, observer, Arc::clone(&deadline));
        let start = Arc::clone(&start);
        std::thread::spawn(move || {
            start.wait();
            worker.run()
        })
    };
    let threads: Vec<_> = (0..scenario.threads.len()).map(spawn).collect();
    drop(stage);
    let join = |thread: std::thread::JoinHandle<_>| thread.join();
    let ended: Vec<_> = threads.into_iter().map(join).collect();
    ended.into_iter().map(|ended| ended.map_err(|_| failure(None, "a thread panicked".to_owned()))).collect()
}

fn failure(guarantee: Option<&'static str>, why: String) -> Failure {
    Failure { guarantee, why, trace: Vec::new() }
}

/// Counts buffers, notes which locks are acquired, and delays threads a little, differently each time.
struct Witness {
    rows: Rows,
    /// Frozen minus freed and thawed since the threads started.
    frozen: AtomicI64,
    /// Steps that a thread came to.
    operations: AtomicU64,
    noise: AtomicU64,
}

impl Witness {
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

impl Observer for Witness {
    fn event(&self, thread: Thread, event: &Event) {
        self.rows.event(thread, event);
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

    fn begins(&self, thread: Thread, operation: Operation) {
        self.rows.begins(thread, operation);
        if operation != Operation::Idle {
            self.operations.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn moves(&self, thread: Thread, home: Option<Interpreter>) {
        self.rows.moves(thread, home);
    }
}
