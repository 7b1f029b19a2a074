//! Each law refuses an action that breaks just it, in a state where the thread wants something else.

use super::build::{A, B, scenario, thread};
use super::{find, run, scenarios};
use crate::scenario::Strategy;
use crate::spec::operation::Operation;
use crate::spec::state::{Life, State};
use crate::spec::thread::{Claim, ThreadState, Value};
use crate::spec::{Action, Cause, Guarantee, Kind, Refusal, Rules, Side};

/// Expects that an action is refused as a violation.
fn assert_unlawful(rules: &Rules, state: &State, thread: usize, kind: Kind, guarantee: Guarantee, why: &str) {
    let refusal = rules.step(state, Action { thread, kind }).expect_err(why);
    let Refusal::Violation(violation) = refusal else { panic!("{why}: {refusal}") };
    assert_eq!((violation.guarantee, violation.why.as_str()), (guarantee, why));
}

/// Expects that an action breaks no law, but is not what the protocol does.
fn assert_unexpected(rules: &Rules, state: &State, thread: usize, kind: Kind) {
    let refusal = rules.step(state, Action { thread, kind }).expect_err("it is not wanted");
    assert!(matches!(refusal, Refusal::Unexpected { .. }), "{refusal}");
}

fn enter(interpreter: usize, cause: Cause) -> Kind {
    Kind::Enter { interpreter, cause }
}

/// `one-message` with the receiver on its way, attached to nobody, to make a view of the message in its hands.
fn creating() -> (Rules, State) {
    let rules = Rules::new(&scenarios::one_message(), Strategy::View);
    let script = [
        (0, "attaches to A"),
        (0, "sends x into c"),
        (0, "leaves A"),
        (1, "attaches to B"),
        (1, "receives x from c"),
        (1, "leaves B"),
    ];
    let state = run(&rules, &script);
    (rules, state)
}

#[test]
fn g1_only_in_the_owner_and_only_with_its_cause() {
    let (rules, state) = creating();
    let in_b = "receiver acquires B for view creation with cause view creation, in operation receive";
    assert_unlawful(&rules, &state, 1, enter(B, Cause::ViewCreation), Guarantee::G1, in_b);
    let release = "receiver acquires A for view release with cause view release, in operation receive";
    assert_unlawful(&rules, &state, 1, enter(A, Cause::ViewRelease), Guarantee::G1, release);
    let attach = "receiver attaches to A with cause attach, in operation receive";
    assert_unlawful(&rules, &state, 1, enter(A, Cause::Attach), Guarantee::G1, attach);
    let back = "receiver returns to A with cause return, in operation receive";
    assert_unlawful(&rules, &state, 1, enter(A, Cause::Return), Guarantee::G1, back);
    let safepoint = "receiver goes on in B after a safepoint with cause safepoint, in operation receive";
    assert_unlawful(&rules, &state, 1, enter(B, Cause::Safepoint), Guarantee::G1, safepoint);
    assert_unexpected(&rules, &state, 1, enter(B, Cause::Return));
}

/// A view is created with a message in hand, released with a view in hand, discarded with a message in hand.
#[test]
fn g1_only_with_the_buffer_in_hand() {
    let (rules, mut state) = creating();
    state.threads[1].hands = vec![Claim::View(0)];
    let why = "receiver acquires A for view creation with cause view creation, in operation receive";
    assert_unlawful(&rules, &state, 1, enter(A, Cause::ViewCreation), Guarantee::G1, why);
    state.threads[1].operation = Operation::LastRelease;
    assert_unexpected(&rules, &state, 1, enter(A, Cause::ViewRelease));
    state.threads[1].hands = vec![Claim::Message { buffer: 0, version: 0 }];
    let why = "receiver acquires A for view release with cause view release, in operation last-release";
    assert_unlawful(&rules, &state, 1, enter(A, Cause::ViewRelease), Guarantee::G1, why);
    state.threads[1].operation = Operation::Discard;
    assert_unexpected(&rules, &state, 1, enter(A, Cause::ViewRelease));
    state.threads[1].hands = vec![Claim::View(0)];
    let why = "receiver acquires A for view release with cause view release, in operation discard";
    assert_unlawful(&rules, &state, 1, enter(A, Cause::ViewRelease), Guarantee::G1, why);
}

/// The operations of views and channels may not make the thread a thread of another interpreter.
#[test]
fn g1_only_a_thread_that_attaches_attaches() {
    let (rules, mut state) = creating();
    let mut may = vec![];
    for operation in super::words::OPERATIONS {
        state.threads[1].operation = operation;
        match rules.step(&state, Action { thread: 1, kind: enter(A, Cause::Attach) }) {
            Err(Refusal::Violation(violation)) => assert_eq!(violation.guarantee, Guarantee::G1),
            Err(Refusal::Unexpected { .. }) => may.push(operation),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(may, [Operation::Idle, Operation::Attach, Operation::Detach, Operation::DropHandle, Operation::End]);
}

#[test]
fn g4_no_second_lock() {
    let (rules, _) = creating();
    let state = run(&rules, &[(0, "attaches to A")]);
    let why = "sender attaches to B while it holds the lock of A";
    assert_unlawful(&rules, &state, 0, enter(B, Cause::Attach), Guarantee::G4, why);
    let why = "sender attaches to A while it holds the lock of A";
    assert_unlawful(&rules, &state, 0, enter(A, Cause::Attach), Guarantee::G4, why);
    let why = "receiver leaves A without holding the lock";
    assert_unlawful(&rules, &state, 1, Kind::Leave { interpreter: A }, Guarantee::G4, why);
}

/// Everything that touches the counts needs the owner's lock, and a buffer that is there.
#[test]
fn g3_counts_need_the_lock() {
    let (rules, state) = creating();
    let buffer = 0;
    let touching = [
        (Kind::Reference { buffer }, "takes a reference to x"),
        (Kind::Dereference { buffer }, "gives back a reference to x"),
        (Kind::Export { buffer }, "exports x to a view"),
        (Kind::Unexport { buffer }, "gives back the export of x"),
        (Kind::Free { buffer }, "frees x"),
        (Kind::Thaw { buffer }, "thaws x"),
        (Kind::ThawRefused { buffer }, "may not thaw x"),
    ];
    let mut inside = state.clone();
    inside.locks[A] = Some(1);
    for (kind, words) in touching {
        let why = format!("receiver {words} without the lock of its owner A");
        assert_unlawful(&rules, &state, 1, kind, Guarantee::G3, &why);
        inside.buffers[0].life = Life::Freed;
        assert_unlawful(&rules, &inside, 1, kind, Guarantee::G3, &format!("receiver {words} although it is freed"));
        inside.buffers[0].life = Life::Thawed;
        assert_unlawful(&rules, &inside, 1, kind, Guarantee::G3, &format!("receiver {words} although it is thawed"));
    }
    let why = "receiver freezes x with new bytes without the lock of its owner A";
    assert_unlawful(&rules, &state, 1, Kind::Freeze { buffer }, Guarantee::G3, why);
}

/// Who gives back must have; who copies must have as well.
#[test]
fn g3_counts_need_something_in_hand() {
    let (rules, mut state) = creating();
    state.locks[A] = Some(1);
    let buffer = 0;
    let why = "receiver takes a reference to x without a handle to copy";
    assert_unlawful(&rules, &state, 1, Kind::Reference { buffer }, Guarantee::G3, why);
    let why = "receiver gives back the export of x that it does not have";
    assert_unlawful(&rules, &state, 1, Kind::Unexport { buffer }, Guarantee::G3, why);
    assert_unexpected(&rules, &state, 1, Kind::Dereference { buffer });
    state.threads[1].hands = vec![Claim::View(0)];
    assert_unexpected(&rules, &state, 1, Kind::Unexport { buffer });
    let why = "receiver gives back a reference to x that it does not have";
    assert_unlawful(&rules, &state, 1, Kind::Dereference { buffer }, Guarantee::G3, why);
    let why = "receiver exports x to a view without a message of it";
    assert_unlawful(&rules, &state, 1, Kind::Export { buffer }, Guarantee::G3, why);
    let why = "receiver clones a view of x without having one";
    assert_unlawful(&rules, &state, 1, Kind::CloneView { buffer }, Guarantee::G3, why);
    let why = "receiver drops a view of x without having one";
    assert_unlawful(&rules, &state, 1, Kind::DropView { buffer }, Guarantee::G3, why);
}

/// A reference is taken for a copy of a handle, or under `shared` for a clone of a view that the thread has.
#[test]
fn g3_a_clone_refers_where_a_clone_is_a_view_of_its_own() {
    let reference = Kind::Reference { buffer: 0 };
    let unlawful = |rules: &Rules, state: &State| {
        let why = "first takes a reference to x without a handle to copy";
        assert_unlawful(rules, state, 1, reference, Guarantee::G3, why);
    };
    for strategy in [Strategy::View, Strategy::Shared] {
        let rules = Rules::new(&scenarios::clones(), strategy);
        let mut state = rules.initial();
        state.locks[A] = Some(1);
        unlawful(&rules, &state);
        for operation in [Operation::Clone, Operation::Slice] {
            state.threads[1].operation = operation;
            match strategy {
                Strategy::Shared => assert_unexpected(&rules, &state, 1, reference),
                _ => unlawful(&rules, &state),
            }
        }
        state.threads[1].variables.fill(Value::Empty);
        unlawful(&rules, &state);
    }
}

/// Where messages are exported, who sends exports, and nobody else; and only what it has a handle of.
#[test]
fn g3_a_sender_exports_what_it_sends() {
    let export = Kind::Export { buffer: 0 };
    let rules = Rules::new(&scenarios::clones(), Strategy::Handover);
    let mut state = rules.initial();
    state.locks[A] = Some(0);
    let why = "owner exports x to a view without a message of it";
    assert_unlawful(&rules, &state, 0, export, Guarantee::G3, why);
    state.threads[0].operation = Operation::Send;
    assert_unexpected(&rules, &state, 0, export);
    state.threads[0].variables.fill(Value::Empty);
    assert_unlawful(&rules, &state, 0, export, Guarantee::G3, why);
}

#[test]
fn g3_and_g7_nothing_that_is_referred_to_is_freed() {
    let free = Kind::Free { buffer: 0 };
    let (rules, mut state) = creating();
    state.locks[A] = Some(1);
    assert_unlawful(&rules, &state, 1, free, Guarantee::G7, "receiver frees x under a message");
    for claim in [Claim::View(0), Claim::Reference(0)] {
        state.threads[1].hands = vec![claim];
        assert_unlawful(&rules, &state, 1, free, Guarantee::G7, "receiver frees x under a view");
    }
    state.threads[1].hands = vec![Claim::Handle(0)];
    assert_unlawful(&rules, &state, 1, free, Guarantee::G3, "receiver frees x although it is referenced");
    state.threads[1].hands = vec![];
    assert_unlawful(&rules, &state, 1, free, Guarantee::G3, "receiver frees x although it is referenced");
    state.buffers[0].references = 0;
    assert_unexpected(&rules, &state, 1, free);
}

#[test]
fn g2_nothing_that_is_shown_is_rewritten() {
    let (thaw, freeze) = (Kind::Thaw { buffer: 0 }, Kind::Freeze { buffer: 0 });
    let (rules, mut state) = creating();
    state.locks[A] = Some(1);
    let thaws = "receiver thaws x while a message or a view shows the bytes";
    let freezes = "receiver freezes x with new bytes while a message or a view shows the old ones";
    for claim in [Claim::Message { buffer: 0, version: 0 }, Claim::View(0), Claim::Reference(0)] {
        state.threads[1].hands = vec![claim];
        assert_unlawful(&rules, &state, 1, thaw, Guarantee::G2, thaws);
        assert_unlawful(&rules, &state, 1, freeze, Guarantee::G2, freezes);
    }
    state.threads[1].hands = vec![Claim::Handle(0), Claim::Handle(0)];
    assert_unlawful(&rules, &state, 1, thaw, Guarantee::G2, "receiver thaws x while another handle exists");
    state.threads[1].hands = vec![Claim::Handle(0)];
    assert_unexpected(&rules, &state, 1, thaw);
    assert_unexpected(&rules, &state, 1, freeze);
}

#[test]
fn g2_and_g3_reading_shows_what_was_sent() {
    let rules = Rules::new(&scenarios::clones(), Strategy::View);
    let mut state = rules.initial();
    let read = Kind::Read { buffer: 0 };
    assert_unexpected(&rules, &state, 1, read);
    state.buffers[0].version = 1;
    let why = "first reads x which no longer has the bytes that were sent";
    assert_unlawful(&rules, &state, 1, read, Guarantee::G2, why);
    assert_unexpected(&rules, &state, 0, read);
    state.buffers[0].life = Life::Thawed;
    assert_unlawful(&rules, &state, 1, read, Guarantee::G2, "first reads x while somebody writes to it");
    state.buffers[0].life = Life::Freed;
    assert_unlawful(&rules, &state, 1, read, Guarantee::G3, "first reads x after it was freed");
}

#[test]
fn g5_a_message_is_sent_where_it_can_be_received() {
    let rules = Rules::new(&scenarios::timeouts(), Strategy::View);
    let (send, receive) = (Kind::Send { channel: 0 }, Kind::Receive { channel: 0 });
    let state = rules.initial();
    let why = "receiver receives from c although nothing is queued";
    assert_unlawful(&rules, &state, 1, receive, Guarantee::G5, why);
    assert_unexpected(&rules, &state, 0, send);
    let full = find(&rules, |state| state.queued(0) == 1);
    assert_unlawful(&rules, &full, 0, send, Guarantee::G5, "sender sends into c although it is full");
    let mut closed = state.clone();
    closed.channels[0].send_closed = true;
    assert_unlawful(&rules, &closed, 0, send, Guarantee::G5, "sender sends into c although it is closed");
    let mut gone = state.clone();
    gone.channels[0].receiver_gone = true;
    assert_unlawful(&rules, &gone, 0, send, Guarantee::G5, "sender sends into c although it is closed");
}

#[test]
fn g9_ends_keep_to_their_direction() {
    let rules = Rules::new(&scenarios::timeouts(), Strategy::View);
    let full = find(&rules, |state| state.queued(0) == 1);
    let channel = 0;
    let unlawful = [
        (1, Kind::Send { channel }, "receiver sends into c without a send end"),
        (0, Kind::Receive { channel }, "sender receives from c without its receive end"),
        (1, Kind::CloneSender { channel }, "receiver clones a send end of c without having one"),
        (0, Kind::DropSender { channel }, "sender drops a send end of c without having a send end to give up"),
        (
            0,
            Kind::Close { channel, side: Side::Send },
            "sender closes c for sending without having a send end to give up",
        ),
        (
            1,
            Kind::Close { channel, side: Side::Receive },
            "receiver closes c for receiving without having the receive end to give up",
        ),
    ];
    for (thread, kind, why) in unlawful {
        assert_unlawful(&rules, &full, thread, kind, Guarantee::G9, why);
    }
    assert_unexpected(&rules, &full, 0, Kind::CloneSender { channel });
}

/// What is lawful and not wanted is refused with what is wanted instead.
#[test]
fn the_unexpected_is_explained() {
    let rules = Rules::new(&scenarios::one_message(), Strategy::View);
    let state = rules.initial();
    let explain = |state: &State, thread, kind| {
        rules.step(state, Action { thread, kind }).map(|_| ()).map_err(|refusal| refusal.to_string())
    };
    let why = "unexpected: sender attaches to B, but wants: attaches to A";
    assert_eq!(explain(&state, 0, enter(B, Cause::Attach)), Err(why.to_owned()));
    let end = find(&rules, |state| rules.finished(state));
    let why = "unexpected: sender attaches to A, but wants: nothing";
    assert_eq!(explain(&end, 0, enter(A, Cause::Attach)), Err(why.to_owned()));
    let why = "unexpected: the scenario has no part for: thread 0 attaches to interpreter 2";
    assert_eq!(explain(&state, 0, enter(2, Cause::Attach)), Err(why.to_owned()));
    let why = "unexpected: the scenario has no part for: thread 2 attaches to interpreter 0";
    assert_eq!(explain(&state, 2, enter(A, Cause::Attach)), Err(why.to_owned()));
    let safepoint = scenario("safepoint", &[], &[], vec![thread("t").attach(A, |t| t.safepoint())]);
    let rules = Rules::new(&safepoint, Strategy::View);
    let state = run(&rules, &[(0, "attaches to A")]);
    let refusal = rules.step(&state, Action { thread: 0, kind: Kind::Probe { channel: 0 } });
    assert!(matches!(refusal, Err(Refusal::Unexpected { .. })));
    assert_eq!(rules.enabled(&state).len(), 2);
}

/// Expects that a scenario has no part for what its first thread does.
fn assert_nothing(rules: &Rules, kind: Kind) {
    let action = Action { thread: 0, kind };
    let why = format!("the scenario has no part for: {action}");
    assert_eq!(rules.step(&rules.initial(), action), Err(Refusal::Unexpected { why }));
}

/// `one-message` has two interpreters, one buffer and one channel: the next index of each names nothing.
#[test]
fn what_does_not_exist_is_neither_lawful_nor_unlawful() {
    let rules = Rules::new(&scenarios::one_message(), Strategy::View);
    let nothing = [
        Kind::Leave { interpreter: 2 },
        Kind::Free { buffer: 1 },
        Kind::Send { channel: 1 },
        Kind::Moor { channel: 1, inside: None },
        Kind::Moor { channel: 0, inside: Some(1) },
    ];
    nothing.into_iter().for_each(|kind| assert_nothing(&rules, kind));
}

/// A variable that does not exist takes nothing in.
#[test]
fn a_variable_that_does_not_exist_is_not_empty() {
    assert!(!ThreadState::default().is_empty(0));
}

/// Return lists: only where the strategy has them, one for each interpreter, and for its own buffers.
#[test]
fn a_return_list_that_does_not_exist_is_none() {
    let of = |strategy| Rules::new(&scenarios::one_message(), strategy);
    assert_nothing(&of(Strategy::View), Kind::Look { interpreter: A });
    assert_nothing(&of(Strategy::View), Kind::Return { interpreter: A, buffer: 0 });
    assert_nothing(&of(Strategy::Deferred), Kind::Look { interpreter: 2 });
    assert_nothing(&of(Strategy::Deferred), Kind::Return { interpreter: B, buffer: 0 });
    assert_nothing(&of(Strategy::Deferred), Kind::Return { interpreter: A, buffer: 1 });
}

/// A thread that waits is blocked: for a lock, for a message, for space.
#[test]
fn waiting_is_no_violation() {
    let rules = Rules::new(&scenarios::same_interpreter(), Strategy::View);
    let state = run(&rules, &[(0, "attaches to A")]);
    let blocked = Action { thread: 1, kind: enter(A, Cause::Attach) };
    assert_eq!(rules.step(&state, blocked), Err(Refusal::Blocked));
    let waiting = run(&rules, &[(1, "attaches to A"), (1, "cannot receive from c: empty"), (1, "leaves A")]);
    let blocked = Action { thread: 1, kind: Kind::Receive { channel: 0 } };
    assert_eq!(rules.step(&waiting, blocked), Err(Refusal::Blocked));
    assert_eq!(rules.wants(&waiting, 1), [blocked]);
}
