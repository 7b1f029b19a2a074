//! The scenarios about an interpreter's end, each named after its race.

use crate::scenario::{Scenario, Undelivered};
use crate::spec::tests::build::{A, B, scenario, thread, with_policy};

/// The owner ends with one message queued and one handle left, which it drops afterwards.
pub(in crate::spec::tests) fn message_queued() -> Scenario {
    let sender = thread("sender").handle("x", 0).tx("tx", 0);
    let sender = sender.attach(A, |t| t.copy("x", "y").send("tx", "y").end(A));
    let receiver = thread("receiver").rx("rx", 0).attach(B, |t| t.recv("rx", "v").read("v").release("v"));
    scenario("message-queued", &[("x", A)], &[("c", None)], vec![sender, receiver])
}

/// An interpreter is ended by a thread of another one that holds a view of it, while somebody attaches.
pub(in crate::spec::tests) fn view_held() -> Scenario {
    let owner = thread("owner").handle("x", 0).attach(A, |t| t.safepoint().drop("x")).attach(A, |t| t.read("x"));
    let reader = thread("reader").view("v", 0).attach(B, |t| t.end(A).read("v").release("v"));
    scenario("view-held", &[("x", A)], &[], vec![owner, reader])
}

/// A thread of A waits for a message; who holds the send end ends A, and waits for that thread.
pub(in crate::spec::tests) fn wait_interrupted() -> Scenario {
    let waiter = thread("waiter").rx("rx", 0).tx("tx", 1).attach(A, |t| t.recv("rx", "v"));
    let ender = thread("ender").tx("tx", 0).rx("rx", 1).end(A).recv("rx", "w");
    scenario("wait-interrupted", &[], &[("c", None), ("d", None)], vec![waiter, ender])
}

/// A thread of A waits for space, with and without a deadline, while the receiver ends A.
pub(in crate::spec::tests) fn send_interrupted() -> Scenario {
    let sender = thread("sender").handle("x", 0).handle("y", 1).tx("tx", 0);
    let sender = sender.attach(A, |t| t.send("tx", "x").send("tx", "y").send_timeout("tx", "y"));
    let receiver = thread("receiver").rx("rx", 0).end(A).recv("rx", "v").recv("rx", "w");
    scenario("send-interrupted", &[("x", A), ("y", A)], &[("c", Some(1))], vec![sender, receiver])
}

/// A thread that is inside A, but attached to nobody, and one that is attached to nobody at all, wait on.
pub(in crate::spec::tests) fn wait_outside() -> Scenario {
    let outside = thread("outside").rx("rx", 0).attach(A, |t| t.detach(|t| t.recv("rx", "v")).safepoint());
    let nobody = thread("nobody").rx("rx", 1).recv("rx", "v");
    let ender = thread("ender").tx("tx", 0).tx("ty", 1).end(A).close("tx").close("ty");
    scenario("wait-outside", &[], &[("c", None), ("d", None)], vec![outside, nobody, ender])
}

/// Two interpreters end each other.
pub(in crate::spec::tests) fn each_other() -> Scenario {
    let a = thread("a").handle("x", 0).attach(A, |t| t.end(B).read("x"));
    let b = thread("b").handle("y", 1).attach(B, |t| t.end(A).read("y"));
    scenario("each-other", &[("x", A), ("y", B)], &[], vec![a, b])
}

/// Everybody ends A: who is attached to it, who is attached elsewhere, who is attached to nobody.
pub(in crate::spec::tests) fn ended_by_all() -> Scenario {
    let inside = thread("inside").attach(A, |t| t.end(A).safepoint());
    let elsewhere = thread("elsewhere").attach(B, |t| t.end(A));
    let nobody = thread("nobody").end(A);
    scenario("ended-by-all", &[], &[], vec![inside, elsewhere, nobody])
}

/// A thread of B attaches to A while A ends: in a block that panics, with a block inside it.
pub(in crate::spec::tests) fn not_admitted() -> Scenario {
    let visitor = thread("visitor").handle("x", 0).view("v", 1);
    let visitor = visitor.attach(B, |t| {
        t.panic(A, &["x"], |t| t.attach(A, |t| t.copy("x", "y")).attach(B, |t| t.read("v"))).read("v").read("y")
    });
    let ender = thread("ender").end(A);
    scenario("not-admitted", &[("x", A), ("w", B)], &[], vec![visitor, ender])
}

/// The owner of a message ends while it is received.
pub(super) fn undelivered(policy: Undelivered) -> Scenario {
    let sender = thread("sender").handle("x", 0).tx("tx", 0).attach(A, |t| t.send("tx", "x")).end(A);
    let receiver = thread("receiver").rx("rx", 0).attach(B, |t| t.recv("rx", "v").read("v").recv("rx", "w"));
    with_policy(scenario("undelivered", &[("x", A)], &[("c", None)], vec![sender, receiver]), policy)
}

/// … and its receiver gets an error.
pub(in crate::spec::tests) fn undelivered_is_error() -> Scenario {
    undelivered(Undelivered::Error)
}

/// … and it is passed over.
pub(in crate::spec::tests) fn undelivered_is_removed() -> Scenario {
    undelivered(Undelivered::Remove)
}

/// Of two messages of an owner that ends, the first one is to be removed, and the second one to be delivered.
pub(in crate::spec::tests) fn one_of_two_removed() -> Scenario {
    let sender = thread("sender").handle("x", 0).handle("y", 1).tx("tx", 0);
    let sender = sender.attach(A, |t| {
        let t = t.copy("tx", "ty").undelivered("tx", Undelivered::Remove).send("tx", "x");
        t.send("ty", "y").end(A)
    });
    let receiver = thread("receiver").rx("rx", 0).attach(B, |t| t.recv("rx", "v").recv("rx", "w"));
    scenario("one-of-two-removed", &[("x", A), ("y", A)], &[("c", None)], vec![sender, receiver])
}

/// A send end keeps its policy on its way through another channel, and gives it to its copies.
pub(in crate::spec::tests) fn policy_travels() -> Scenario {
    let a = thread("a").tx("tx", 0).tx("up", 1).undelivered("tx", Undelivered::Error).send("up", "tx");
    let b = thread("b").rx("down", 1).rx("rx", 0).handle("y", 0);
    let b = b.recv("down", "tx").copy("tx", "t2").attach(B, |t| t.send("t2", "y").end(B)).recv("rx", "v");
    scenario("policy-travels", &[("y", B)], &[("c", None), ("d", None)], vec![a, b])
}

/// All of them.
pub(in crate::spec::tests) fn all() -> Vec<Scenario> {
    vec![
        message_queued(),
        view_held(),
        wait_interrupted(),
        send_interrupted(),
        wait_outside(),
        each_other(),
        ended_by_all(),
        not_admitted(),
        undelivered_is_error(),
        undelivered_is_removed(),
        one_of_two_removed(),
        policy_travels(),
    ]
}
