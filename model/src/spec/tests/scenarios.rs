//! The scenarios that these tests share, each named after its race.

use super::build::{A, B, scenario, thread};
use crate::scenario::Scenario;

/// A sends, the receiver in B makes a view, reads it and releases it, each time in A.
pub(super) fn one_message() -> Scenario {
    let sender = thread("sender").handle("x", 0).tx("tx", 0).attach(A, |t| t.send("tx", "x"));
    let receiver = thread("receiver").rx("rx", 0).attach(B, |t| t.recv("rx", "v").read("v").release("v"));
    scenario("one-message", &[("x", A)], &[("c", None)], vec![sender, receiver])
}

/// Each receives from the other, so that each enters the other's interpreter.
pub(super) fn mutual_receive() -> Scenario {
    let a = thread("a").handle("x", 0).tx("tx", 0).rx("rx", 1);
    let b = thread("b").handle("y", 1).tx("tx", 1).rx("rx", 0);
    let a = a.attach(A, |t| t.send("tx", "x").recv("rx", "v").read("v").drop("v"));
    let b = b.attach(B, |t| t.send("tx", "y").recv("rx", "v").read("v").drop("v"));
    scenario("mutual-receive", &[("x", A), ("y", B)], &[("c", None), ("d", None)], vec![a, b])
}

/// Two threads of B share a view by clones; the last release meets a busy owner.
pub(super) fn clones() -> Scenario {
    let owner = thread("owner").handle("x", 0).attach(A, |t| t.read("x").safepoint().drop("x"));
    let first = thread("first").view("v", 0).attach(B, |t| t.clone_view("v", "w").drop("v").read("w").release("w"));
    let second = thread("second").view("v", 0).slice("v", "w").read("w").drop("w").drop("v");
    scenario("clones", &[("x", A)], &[], vec![owner, first, second])
}

/// The owner sends one handle and thaws the other: refused while the message or the view exists.
pub(super) fn thaw_races_message() -> Scenario {
    let owner = thread("owner").handle("x", 0).tx("tx", 0);
    let owner = owner.attach(A, |t| t.copy("x", "y").send("tx", "y").thaw("x").read("x"));
    let receiver = thread("receiver").rx("rx", 0).recv("rx", "v").read("v").drop("v");
    scenario("thaw-races-message", &[("x", A)], &[("c", None)], vec![owner, receiver])
}

/// The owner thaws twice while the only view is released.
pub(super) fn thaw_races_release() -> Scenario {
    let owner = thread("owner").handle("x", 0).attach(A, |t| t.thaw("x").safepoint().thaw("x").read("x"));
    let reader = thread("reader").view("v", 0).attach(B, |t| t.read("v").release("v"));
    scenario("thaw-races-release", &[("x", A)], &[], vec![owner, reader])
}

/// A send may time out, a receive may time out, and the channel may be closed, all at once.
pub(super) fn timeouts() -> Scenario {
    let sender = thread("sender").handle("x", 0).handle("y", 1).tx("tx", 0);
    let sender = sender.attach(A, |t| t.send("tx", "x").send_timeout("tx", "y"));
    let receiver = thread("receiver").rx("rx", 0);
    let receiver = receiver.attach(B, |t| t.recv_timeout("rx", "v").recv_timeout("rx", "w").close("rx"));
    scenario("timeouts", &[("x", A), ("y", A)], &[("c", Some(1))], vec![sender, receiver])
}

/// A receiver waits for a second message while the sender closes.
pub(super) fn close_races_receive() -> Scenario {
    let sender = thread("sender").handle("x", 0).tx("tx", 0).attach(A, |t| t.try_send("tx", "x")).close("tx");
    let receiver = thread("receiver").rx("rx", 0).attach(B, |t| t.recv("rx", "v").recv("rx", "w"));
    scenario("close-races-receive", &[("x", A)], &[("c", Some(1))], vec![sender, receiver])
}

/// A question and its answer: while both wait, nobody closes anything.
pub(super) fn question_and_answer() -> Scenario {
    let asker = thread("asker").handle("x", 0).tx("tx", 0).rx("rx", 1);
    let asker = asker.attach(A, |t| t.send("tx", "x").recv("rx", "v").read("v"));
    let replier = thread("replier").handle("y", 1).tx("tx", 1).rx("rx", 0);
    let replier = replier.attach(B, |t| t.recv("rx", "v").send("tx", "y"));
    scenario("question-and-answer", &[("x", A), ("y", B)], &[("c", None), ("d", None)], vec![asker, replier])
}

/// Sender and receiver are threads of the same interpreter: who waits must let the other in.
pub(super) fn same_interpreter() -> Scenario {
    let sender = thread("sender").handle("x", 0).tx("tx", 0).attach(A, |t| t.send("tx", "x"));
    let receiver = thread("receiver").rx("rx", 0).attach(A, |t| t.recv("rx", "v").read("v").release("v"));
    scenario("same-interpreter", &[("x", A)], &[("c", Some(1))], vec![sender, receiver])
}

/// A sender waits for space; the receiver takes a message or closes.
pub(super) fn close_races_send() -> Scenario {
    let sender = thread("sender").handle("x", 0).handle("y", 1).tx("tx", 0);
    let sender = sender.attach(A, |t| t.send("tx", "x").send("tx", "y"));
    let receiver = thread("receiver").rx("rx", 0).try_recv("rx", "v").drop("rx").read("v");
    scenario("close-races-send", &[("x", A), ("y", A)], &[("c", Some(1))], vec![sender, receiver])
}

/// Two senders, one receiver: everybody's messages in order.
pub(super) fn two_senders() -> Scenario {
    let first = thread("first").handle("x", 0).handle("y", 1).tx("tx", 0);
    let first = first.attach(A, |t| t.send("tx", "x").send("tx", "y"));
    let second = thread("second").handle("z", 2).tx("tx", 0).attach(B, |t| t.send("tx", "z"));
    let receiver = thread("receiver").rx("rx", 0);
    let receiver = receiver.attach(B, |t| t.recv("rx", "u").recv("rx", "v").recv("rx", "w"));
    let buffers = [("x", A), ("y", A), ("z", B)];
    scenario("two-senders", &buffers, &[("c", None)], vec![first, second, receiver])
}

/// Two views of A's buffers are released while a thread of A is busy.
pub(super) fn busy_owner() -> Scenario {
    let owner = thread("owner").attach(A, |t| t.safepoint());
    let reader = thread("reader").view("v", 0).view("w", 1).attach(B, |t| t.release("v").release("w"));
    scenario("busy-owner", &[("x", A), ("y", A)], &[], vec![owner, reader])
}

/// A panic unwinds through a view and through a handle of another interpreter.
pub(super) fn panic() -> Scenario {
    let owner = thread("owner").handle("x", 0).attach(A, |t| t.safepoint().read("x"));
    let reader = thread("reader").view("v", 0).handle("y", 1);
    let reader = reader.panic(B, &["v", "y"], |t| t.detach(|t| t.read("v")));
    scenario("panic", &[("x", A), ("y", A)], &[], vec![owner, reader])
}

/// A receive end travels, with a message in its channel.
pub(super) fn end_travels() -> Scenario {
    let sender = thread("sender").handle("x", 0).tx("tx", 0).tx("up", 1).rx("down", 1);
    let sender = sender.attach(A, |t| t.send("tx", "down").copy("up", "more").send("more", "x").send("tx", "up"));
    let receiver = thread("receiver").rx("rx", 0);
    let receiver = receiver.attach(B, |t| t.recv("rx", "down").recv("down", "v").read("v").recv("rx", "up"));
    scenario("end-travels", &[("x", A)], &[("c", None), ("d", None)], vec![sender, receiver])
}

/// Each sends its receive end into the other's: at most one may get through.
pub(super) fn crossing_ends() -> Scenario {
    let a = thread("a").tx("tx", 0).rx("rx", 1).attach(A, |t| t.send("tx", "rx"));
    let b = thread("b").tx("tx", 1).rx("rx", 0).attach(B, |t| t.send("tx", "rx"));
    scenario("crossing-ends", &[], &[("c", None), ("d", None)], vec![a, b])
}

/// Two receive ends cross, and a third one is sent into one of their channels: it must not get caught in their circle.
pub(super) fn end_into_crossing() -> Scenario {
    let a = thread("a").tx("tx", 0).rx("rx", 1).send("tx", "rx");
    let b = thread("b").tx("tx", 1).rx("rx", 0).send("tx", "rx");
    let c = thread("c").tx("tx", 0).rx("rx", 2).send("tx", "rx");
    scenario("end-into-crossing", &[], &[("c", None), ("d", None), ("e", None)], vec![a, b, c])
}

/// Three threads in a ring, each with a receive end for the next channel.
pub(super) fn ring_of_ends() -> Scenario {
    let a = thread("a").tx("tx", 0).rx("rx", 1).send("tx", "rx");
    let b = thread("b").tx("tx", 1).rx("rx", 2).send("tx", "rx");
    let c = thread("c").tx("tx", 2).rx("rx", 0).send("tx", "rx");
    scenario("ring-of-ends", &[], &[("c", None), ("d", None), ("e", None)], vec![a, b, c])
}

/// A channel's own ends: a send end may travel through it, the receive end may not.
pub(super) fn own_ends() -> Scenario {
    let a = thread("a").tx("tx", 0).rx("rx", 0).copy("tx", "t2").send("tx", "t2").try_send("tx", "rx");
    let a = a.try_recv("rx", "t3").copy("t3", "t4").send("t3", "t4");
    let b = thread("b").tx("tx", 0).handle("x", 0).try_send("tx", "x").attach(A, |t| t.try_send("tx", "x"));
    scenario("own-ends", &[("x", A)], &[("c", Some(2))], vec![a, b])
}

/// The receive end goes while buffers and ends, and ends with messages in their channel, are queued.
pub(super) fn discard() -> Scenario {
    let sender = thread("sender").handle("x", 0).handle("y", 1).tx("tx", 0).tx("up", 1).rx("down", 1).tx("side", 2);
    let sender =
        sender.attach(A, |t| t.send("up", "x").try_send("tx", "down").try_send("tx", "side").try_send("tx", "y"));
    let receiver = thread("receiver").rx("rx", 0).attach(B, |t| t.drop("rx"));
    let listener = thread("listener").rx("rx", 2).recv("rx", "v");
    let channels = [("c", None), ("d", None), ("e", None)];
    scenario("discard", &[("x", A), ("y", A)], &channels, vec![sender, receiver, listener])
}

/// Two receivers in one interpreter get the same buffer, and clone what they get.
pub(super) fn two_receivers() -> Scenario {
    let sender = thread("sender").handle("x", 0).tx("tx", 0).tx("up", 1);
    let sender = sender.attach(A, |t| t.copy("x", "y").send("tx", "x").send("up", "y"));
    let first = thread("first").rx("rx", 0).attach(B, |t| t.recv("rx", "v").clone_view("v", "w").drop("v").read("w"));
    let second = thread("second").rx("rx", 1).attach(B, |t| t.recv("rx", "v").read("v").release("v"));
    scenario("two-receivers", &[("x", A)], &[("c", None), ("d", None)], vec![sender, first, second])
}

/// Views come back while the owner is away, sends, or passes a safepoint.
pub(super) fn returns() -> Scenario {
    let owner = thread("owner").handle("z", 2).tx("tx", 0);
    let owner = owner.attach(A, |t| t.send("tx", "z")).attach(A, |t| t.safepoint());
    let reader = thread("reader").view("v", 0).view("w", 1).rx("rx", 0);
    let reader = reader.release("v").attach(B, |t| t.release("w").recv("rx", "u"));
    scenario("returns", &[("x", A), ("y", A), ("z", A)], &[("c", Some(1))], vec![owner, reader])
}

/// Two go on the list at once, the third when the reader leaves; the owner collects up to two at a time.
pub(super) fn released_in_pairs() -> Scenario {
    let owner = thread("owner").attach(A, |t| t.safepoint());
    let reader = thread("reader").view("v", 0).view("w", 1).view("u", 2);
    let reader = reader.attach(B, |t| t.release("v").release("w").release("u"));
    let scenario = scenario("released-in-pairs", &[("x", A), ("y", A), ("z", A)], &[], vec![owner, reader]);
    Scenario { batch: 2, ..scenario }
}

/// Each returns a view to the other, whose interpreter is its own for a while.
pub(super) fn mutual_return() -> Scenario {
    let a = thread("a").view("v", 1).attach(A, |t| t.release("v"));
    let b = thread("b").view("v", 0).view("w", 1).attach(B, |t| t.release("v").release("w"));
    scenario("mutual-return", &[("x", A), ("y", B)], &[], vec![a, b])
}

/// A buffer that cannot be sent comes back to its sender, and can be thawed.
pub(super) fn withdrawn() -> Scenario {
    let sender = thread("sender").handle("x", 0).handle("y", 1).tx("tx", 0);
    let sender = sender.attach(A, |t| t.send("tx", "x").send_timeout("tx", "y").thaw("y"));
    let receiver = thread("receiver").rx("rx", 0).recv("rx", "v").close("rx");
    scenario("withdrawn", &[("x", A), ("y", A)], &[("c", Some(1))], vec![sender, receiver])
}

/// All of them.
pub(super) fn all() -> Vec<Scenario> {
    vec![
        one_message(),
        mutual_receive(),
        clones(),
        thaw_races_message(),
        thaw_races_release(),
        timeouts(),
        close_races_receive(),
        close_races_send(),
        question_and_answer(),
        same_interpreter(),
        two_senders(),
        busy_owner(),
        panic(),
        end_travels(),
        crossing_ends(),
        end_into_crossing(),
        ring_of_ends(),
        own_ends(),
        discard(),
        two_receivers(),
        returns(),
        mutual_return(),
        released_in_pairs(),
        withdrawn(),
    ]
}
