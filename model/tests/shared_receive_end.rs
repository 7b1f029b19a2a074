//! Several threads that receive through one end, by reference: scenarios cannot say that, so these models run on loom
//! directly. What waits here are two receivers at one condition: a wake-up for one must not be lost to the other.
#![cfg(feature = "loom")]

#[path = "common/model.rs"]
mod model;

use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use viewchan::{BufferMut, Interpreter, ReceiveEnd, unbounded};

/// Explores every interleaving with at most two preemptions, and returns how many there were.
fn explore(model: impl Fn() + Send + Sync + 'static) -> u64 {
    model::explore(Some(2), false, model).executions
}

/// Two threads that each wait for one message at the same end.
fn two_receivers(end: ReceiveEnd) -> Vec<JoinHandle<bool>> {
    let end = Arc::new(end);
    let receive = |end: Arc<ReceiveEnd>| thread::spawn(move || end.recv().is_ok());
    vec![receive(Arc::clone(&end)), receive(end)]
}

/// How many of them got one.
fn received(receivers: Vec<JoinHandle<bool>>) -> usize {
    let join = |receiver: JoinHandle<bool>| receiver.join().expect("a receiver does not panic");
    receivers.into_iter().map(join).filter(|&got| got).count()
}

/// Two messages wake two waiting receivers, also when both come before either has woken.
#[test]
fn two_messages_wake_two_receivers() {
    let executions = explore(|| {
        let (tx, rx) = unbounded();
        let receivers = two_receivers(rx);
        let owner = Interpreter::new();
        owner.attach(|token| {
            for _ in 0..2 {
                tx.send(token, BufferMut::zeroed(1).freeze(token)).expect("the channel is open");
            }
        });
        // The send end lives until both have received: it is the messages that must wake them.
        assert_eq!(received(receivers), 2);
        drop(tx);
    });
    assert!(executions > 100, "{executions} executions: the receivers did not race");
}

/// The last send end goes: both receivers hear of it.
#[test]
fn the_last_send_end_wakes_two_receivers() {
    let executions = explore(|| {
        let (tx, rx) = unbounded();
        let receivers = two_receivers(rx);
        drop(tx);
        assert_eq!(received(receivers), 0);
    });
    assert!(executions > 3, "{executions} executions: the receivers did not race");
}

/// A send end closes the channel while another one lives: both receivers hear of it.
#[test]
fn a_close_wakes_two_receivers() {
    let executions = explore(|| {
        let (tx, rx) = unbounded();
        let other = tx.clone();
        let receivers = two_receivers(rx);
        tx.close();
        assert_eq!(received(receivers), 0);
        drop(other);
    });
    assert!(executions > 3, "{executions} executions: the receivers did not race");
}

/// The receive end is shut while two threads wait at it: both hear of it, and a buffer that nobody received is given back.
#[test]
fn shutting_the_end_wakes_two_receivers() {
    let executions = explore(|| {
        let (tx, rx) = unbounded();
        let rx = Arc::new(rx);
        let receive = |end: Arc<ReceiveEnd>| thread::spawn(move || end.recv().is_ok());
        let receivers = vec![receive(Arc::clone(&rx)), receive(Arc::clone(&rx))];
        rx.shut();
        assert_eq!(received(receivers), 0);
        let owner = Interpreter::new();
        let sent = owner.attach(|token| tx.send(token, BufferMut::zeroed(1).freeze(token)).is_ok());
        assert!(!sent, "a channel that is shut takes nothing");
    });
    assert!(executions > 3, "{executions} executions: the receivers did not race");
}
