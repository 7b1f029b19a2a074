//! The law of an interpreter's end, and what its actions touch and report.

use super::{ended_by_all, undelivered_is_error, view, wait_interrupted};
use crate::scenario::Strategy;
use crate::spec::life::Phase;
use crate::spec::tests::build::{A, B, scenario, thread};
use crate::spec::tests::run;
use crate::spec::{Action, Cause, Fault, Guarantee, Kind, Object, Operation, Refusal, Reported, Rules, State, Why};

/// Expects that thread 0 may not do this, because of the guarantee.
fn assert_unlawful(rules: &Rules, state: &State, kind: Kind, guarantee: Guarantee, why: &str) {
    let refusal = rules.step(state, Action { thread: 0, kind }).expect_err(why);
    let Refusal::Violation(violation) = refusal else { panic!("{why}: {refusal}") };
    assert_eq!((violation.guarantee, violation.why.as_str()), (guarantee, why));
}

#[test]
fn g7_the_end_has_an_order() {
    let rules = view(&ended_by_all());
    let (begin, complete) = (Kind::Ending { interpreter: A }, Kind::Ended { interpreter: A });
    let outside = rules.initial();
    assert_unlawful(&rules, &outside, begin, Guarantee::G7, "inside begins the end of A without its lock");
    assert_unlawful(&rules, &outside, complete, Guarantee::G7, "inside completes the end of A without its lock");
    let inside = run(&rules, &[(0, "attaches to A")]);
    let why = "inside completes the end of A which is not in progress";
    assert_unlawful(&rules, &inside, complete, Guarantee::G7, why);
    let ending = run(&rules, &[(0, "attaches to A"), (0, "begins the end of A")]);
    assert_unlawful(&rules, &ending, begin, Guarantee::G7, "inside begins the end of A which had begun before");
    let why = "inside completes the end of A although a thread is inside";
    assert_unlawful(&rules, &ending, complete, Guarantee::G7, why);
}

#[test]
fn g7_nobody_comes_back_after_the_end() {
    let rules = view(&wait_interrupted());
    let mut state = run(&rules, &[(0, "attaches to A"), (0, "cannot receive from c: empty"), (0, "leaves A")]);
    state.phases[A] = Phase::Ended;
    let back = Kind::Enter { interpreter: A, cause: Cause::Return };
    assert_unlawful(&rules, &state, back, Guarantee::G7, "waiter returns to A although it has ended");
    state.threads[0].operation = Operation::Safepoint;
    let back = Kind::Enter { interpreter: A, cause: Cause::Safepoint };
    let why = "waiter goes on in A after a safepoint although it has ended";
    assert_unlawful(&rules, &state, back, Guarantee::G7, why);
    let found = rules.check(&state).map_err(|violation| violation.to_string());
    assert_eq!(found, Err("G7 lifetime: A has ended, and 1 blocks are open inside it".to_owned()));
}

/// Also where the end is not complete yet, because somebody who is inside is out for a moment.
#[test]
fn g7_nobody_stays_where_an_end_has_begun() {
    let visitor = thread("visitor").attach(A, |t| t.safepoint());
    let ender = thread("ender").attach(A, |t| t.end(A).detach(|t| t));
    let late = scenario("late", &[], &[], vec![visitor, ender]);
    let rules = Rules::with_fault(&late, Strategy::View, Fault::AttachAfterEnd);
    let state = run(&rules, &[(1, "attaches to A"), (1, "begins the end of A"), (1, "leaves A")]);
    let attach = Kind::Enter { interpreter: A, cause: Cause::Attach };
    let why = "visitor attaches to A and stays, although it is ending";
    assert_unlawful(&rules, &state, attach, Guarantee::G7, why);
}

#[test]
fn g7_an_end_that_began_is_completed() {
    let rules = view(&ended_by_all());
    let mut state = rules.initial();
    state.phases[A] = Phase::Finalizing;
    let found = rules.check(&state).map_err(|violation| violation.to_string());
    assert_eq!(found, Err("G7 lifetime: A is ending, and nobody will complete it".to_owned()));
    state.locks[A] = Some(0);
    assert_eq!(rules.check(&state), Ok(()));
}

/// Blocks count where they are open, whatever is open inside them; visits and blocks without effect do not count.
#[test]
fn inside_counts_open_blocks() {
    let nested = thread("nested").rx("rx", 0);
    let nested =
        nested.attach(A, |t| t.attach(A, |t| t.detach(|t| t.attach(A, |t| t.attach(B, |t| t.recv("rx", "v"))))));
    let ender = thread("ender").tx("tx", 0).end(B);
    let rules = view(&scenario("nested", &[], &[("c", None)], vec![nested, ender]));
    let script = [
        (0, "attaches to A"),
        (0, "leaves A"),
        (0, "attaches to A"),
        (0, "leaves A"),
        (0, "attaches to B"),
        (0, "cannot receive from c: empty"),
        (0, "leaves B"),
        (1, "attaches to B"),
    ];
    let state = run(&rules, &script);
    assert_eq!((state.inside(0), state.inside(1)), (2, 1));
}

#[test]
fn what_is_reported() {
    let rules = view(&undelivered_is_error());
    let script = [(0, "attaches to A"), (0, "sends x into c"), (1, "attaches to B")];
    let look = Action { thread: 1, kind: Kind::Inspect { interpreter: A } };
    let mut before = run(&rules, &script);
    before = rules.step(&before, Action { thread: 1, kind: Kind::Receive { channel: 0 } }).expect("it is enabled");
    let after = rules.step(&before, look).expect("it is enabled");
    assert_eq!(rules.reported(&before, look, &after), Reported::Ending(false));
    before.phases[A] = Phase::Finalizing;
    let after = rules.step(&before, look).expect("it is enabled");
    assert_eq!(rules.reported(&before, look, &after), Reported::Ending(true));
}

/// Looks, waits and the beginning of an end meet in one object; the completion meets nobody.
#[test]
fn footprints_of_life() {
    let rules = view(&wait_interrupted());
    let waiting = run(&rules, &[(0, "attaches to A"), (0, "cannot receive from c: empty"), (0, "leaves A")]);
    let touched = |thread, kind| -> Vec<Object> {
        let footprint = rules.footprint(&waiting, Action { thread, kind });
        footprint.reads().chain(footprint.writes()).collect()
    };
    assert_eq!(touched(1, Kind::Ending { interpreter: A }), [Object::Life(A)]);
    assert_eq!(touched(1, Kind::Ended { interpreter: A }), []);
    assert_eq!(touched(1, Kind::Inspect { interpreter: B }), [Object::Life(B)]);
    for why in [Why::Interrupted, Why::TimedOut] {
        assert_eq!(touched(0, Kind::ReceiveRefused { channel: 0, why }), [Object::Channel(0), Object::Life(A)]);
        assert_eq!(touched(0, Kind::SendRefused { channel: 0, why }), [Object::Channel(0), Object::Life(A)]);
        assert_eq!(touched(1, Kind::SendRefused { channel: 0, why }), [Object::Channel(0)]);
    }
    assert_eq!(touched(0, Kind::ReceiveRefused { channel: 0, why: Why::NotReady }), [Object::Channel(0)]);
}
