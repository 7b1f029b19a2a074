//! The conformance run: what it sees is what exploration says, and what it must refuse it refuses.
#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use common::{TEMPLATE, pairs};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use viewchan::runtime::Ended;
use viewchan::strategy;
use viewchan::trace::ObjectId;
use viewchan::{Attached, Buffer, Cause as Why, Interpreter, Runtime};
use viewchan_model::engine::conformance::{Specified, check, repeat};
use viewchan_model::engine::host::{Host, Reference, Token};
use viewchan_model::monitor::Row;
use viewchan_model::report::{Run, Verdict};
use viewchan_model::scenario::{Scenario, Strategy, parse, shipped};
use viewchan_model::spec::{Cause, Operation};

const ROUNDS: u64 = 20;

fn scenario(name: &str) -> Arc<Scenario> {
    Arc::new(shipped().into_iter().find(|scenario| scenario.name == name).expect("it is shipped"))
}

fn specified(name: &str, strategy: Strategy) -> Specified {
    Specified::of(&scenario(name), strategy).expect("the specification holds")
}

/// Why the rounds were refused: the guarantee, and what happened.
#[track_caller]
fn refusal<S: strategy::Strategy<Interpreter>>(specified: &Specified) -> (Option<&'static str>, String) {
    let failure = repeat::<Reference, S>(specified, ROUNDS).expect_err("this must be refused");
    (failure.guarantee, failure.why)
}

/// Over all shipped scenarios, threads acquire foreign locks for exactly what exploration says: nothing else, and all of
/// it, so that nothing is allowed for want of looking.
#[test]
fn what_exploration_says_is_what_threads_do() {
    let mut specified_rows: BTreeMap<&str, BTreeSet<Row>> = BTreeMap::new();
    let mut seen_rows = specified_rows.clone();
    for (scenario, strategy) in pairs() {
        let specified = Specified::of(&Arc::new(scenario), strategy).expect("the specification holds");
        let name = &specified.scenario.name;
        let seen = match strategy {
            Strategy::Shared => repeat::<Reference, strategy::Shared>(&specified, ROUNDS),
            Strategy::Proxy => repeat::<Reference, strategy::Proxy>(&specified, ROUNDS),
            Strategy::View => repeat::<Reference, strategy::View>(&specified, ROUNDS),
            Strategy::Handover => repeat::<Reference, strategy::Handover>(&specified, ROUNDS),
            // The scenarios of slots have no channel, whose strategy would matter.
            Strategy::Deferred | Strategy::Epoch => repeat::<Reference, strategy::Deferred>(&specified, ROUNDS),
        };
        let seen = seen.unwrap_or_else(|failure| panic!("{name}, {}: {failure:?}", strategy.name()));
        seen_rows.entry(strategy.name()).or_default().extend(seen.rows);
        let told = specified.rows.into_iter().map(|(operation, cause)| (told_as(strategy, operation), cause));
        specified_rows.entry(strategy.name()).or_default().extend(told);
    }
    assert_eq!(seen_rows, specified_rows);
    assert!(seen_rows["view"].contains(&(Operation::LastRelease, Cause::ViewRelease)));
}

/// Under `shared` each drop of a view says that no clone is left.
fn told_as(strategy: Strategy, operation: Operation) -> Operation {
    let is_release = strategy == Strategy::Shared && operation == Operation::Release;
    if is_release { Operation::LastRelease } else { operation }
}

/// A strategy that takes the lock for what its row has not is refused: `shared`, held against the row of `view`.
#[test]
fn a_lock_that_is_not_in_the_row_is_refused() {
    let specified = specified("clones-made-while-dropped", Strategy::View);
    let (guarantee, why) = refusal::<strategy::Shared>(&specified);
    let parts = ["acquires a foreign lock for view", "in operation", "which is not in the row of view"];
    assert_eq!(guarantee, Some("G1"), "{why}");
    assert!(parts.iter().all(|part| why.contains(part)), "{why}");
}

/// Each line of a row is looked at: without it, what it allows is refused.
#[test]
fn every_line_of_a_row_counts() {
    let whole = specified("one-message", Strategy::View);
    assert_eq!(repeat::<Reference, strategy::View>(&whole, ROUNDS).expect("it passes").rows, whole.rows);
    let lines = [(Operation::Receive, Cause::ViewCreation), (Operation::LastRelease, Cause::ViewRelease)];
    assert_eq!(whole.rows, BTreeSet::from(lines));
    for (operation, cause) in lines {
        let mut broken = whole.clone();
        broken.rows.remove(&(operation, cause));
        let why = format!(
            "receiver acquires a foreign lock for {cause} in operation {operation}, which is not in the row of view"
        );
        assert_eq!(refusal::<strategy::View>(&broken), (Some("G1"), why));
    }
}

/// The strategy `view`, but receiving enters the owner for the wrong cause, or, if it strays, somebody else as well.
struct Broken<const STRAYS: bool>;

/// A message of the strategy `view`, and whose it is.
type Message = <strategy::View as strategy::Strategy<Interpreter>>::Message;

impl<const STRAYS: bool> strategy::Strategy<Interpreter> for Broken<STRAYS> {
    type Message = Message;
    type Pin = <strategy::View as strategy::Strategy<Interpreter>>::Pin;
    type Choice = ();

    fn pin((): (), token: &Attached<'_>, buffer: Buffer) -> Message {
        strategy::View::pin((), token, buffer)
    }

    fn owner(message: &Message) -> &Interpreter {
        <strategy::View as strategy::Strategy<Interpreter>>::owner(message)
    }

    fn withdraw(token: &Attached<'_>, message: Message) -> Buffer {
        strategy::View::withdraw(token, message)
    }

    fn open(message: Message, home: Option<&Interpreter>) -> Result<Self::Pin, Ended> {
        if STRAYS {
            // SAFETY: the work uses no token.
            unsafe { Interpreter::new().visit(Why::ViewCreation, |_| ()) }?;
            return strategy::View::open(message, home);
        }
        let owner = Self::owner(&message).clone();
        // SAFETY: the work uses no token.
        unsafe { owner.visit(Why::ViewRelease, |_| strategy::View::open(message, home)) }?
    }
}

#[test]
fn a_wrong_cause_is_refused() {
    let specified = specified("one-message", Strategy::View);
    let says =
        "receiver acquires a foreign lock for view release in operation receive, which is not in the row of view";
    assert_eq!(refusal::<Broken<false>>(&specified), (Some("G1"), says.to_owned()));
}

/// An interpreter that the scenario does not have is nobody's to enter.
#[test]
fn an_unknown_interpreter_is_refused() {
    let (guarantee, why) = refusal::<Broken<true>>(&specified("one-message", Strategy::View));
    assert_eq!(guarantee, Some("G1"), "{why}");
    let says = "was entered with cause view creation, and the scenario has no such thing";
    assert!(why.starts_with("receiver: interpreter ") && why.ends_with(says), "{why}");
}

/// A detached thread is nobody's: it acquires even the lock that it has just given up as a foreign one.
#[test]
fn a_detached_thread_has_no_lock_of_its_own() {
    let steps = r#"["detach", "release x.view", "end"]"#;
    let text = TEMPLATE.replace(r#"holds = ["x"]"#, r#"holds = ["x.view"]"#).replace(r#"["read x"]"#, steps);
    let scenario = Arc::new(parse("t.toml", &text).expect("it is well-formed"));
    let specified = Specified::of(&scenario, Strategy::View).expect("the specification holds");
    let seen = repeat::<Reference, strategy::View>(&specified, 1).expect("it passes");
    assert_eq!(specified.rows, BTreeSet::from([(Operation::LastRelease, Cause::ViewRelease)]));
    assert_eq!(seen.rows, specified.rows);
}

/// An outcome that the specification does not have is refused.
#[test]
fn another_outcome_is_refused() {
    let mut specified = specified("one-message", Strategy::View);
    specified.outcomes = Some(BTreeSet::new());
    let says = "the specification does not allow the outcome \"sender: sent | receiver: x0 x0\"";
    assert_eq!(refusal::<strategy::View>(&specified), (None, says.to_owned()));
}

/// The reference runtime, but it says that a buffer is left over.
enum Leaks {}

impl Host for Leaks {
    const ENGINE: &'static str = "leaks";

    type Runtime = Interpreter;
    type Stay<'a> = Attached<'a>;

    fn interpreter(batch: usize) -> Interpreter {
        Reference::interpreter(batch)
    }

    fn token<'s, 'a>(stay: &'s Self::Stay<'a>) -> &'s Token<'a, Self> {
        stay
    }

    fn attach(
        stay: Option<&mut Attached<'_>>,
        to: &Interpreter,
        work: impl FnOnce(&mut Attached<'_>),
    ) -> Result<(), Ended> {
        Reference::attach(stay, to, work)
    }

    fn detach(stay: &mut Attached<'_>, work: impl FnOnce()) {
        Reference::detach(stay, work);
    }

    fn safepoint(stay: &mut Attached<'_>) {
        Reference::safepoint(stay);
    }

    fn end(interpreter: &Interpreter) -> Result<(), Ended> {
        Reference::end(interpreter)
    }

    fn freeze(stay: &Attached<'_>, bytes: Vec<u8>) -> Buffer {
        Reference::freeze(stay, bytes)
    }

    fn thaw(stay: &Attached<'_>, buffer: Buffer, write: impl FnOnce(&mut [u8])) -> Result<Buffer, Buffer> {
        Reference::thaw(stay, buffer, write)
    }

    fn bytes(buffer: &Buffer) -> &[u8] {
        Reference::bytes(buffer)
    }

    fn object_id(buffer: &Buffer) -> ObjectId {
        Reference::object_id(buffer)
    }

    fn left_over(interpreters: &[Interpreter], counted: i64) -> i64 {
        assert_eq!((interpreters.len(), counted), (2, 0));
        1
    }
}

/// What a host says of what is left over is heard, and reported under its name.
#[test]
fn a_leak_of_a_host_is_reported() {
    let run = |rounds| check::<Leaks>(&scenario("one-message"), Strategy::View, rounds).expect("it is a strategy");
    let Run { engine, tier, verdict, violations, .. } = run(1);
    assert_eq!((engine.as_str(), tier.as_str(), verdict), ("leaks", "bounded", Verdict::Fail));
    let says: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(says, ["G3: 1 more buffers were frozen than freed or thawed"]);
    let nothing = run(0);
    assert_eq!((nothing.verdict, nothing.violations[0].why.as_str()), (Verdict::Fail, "nothing was executed"));
}
