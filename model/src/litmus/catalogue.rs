//! The litmus tests: for each lock-free step of the protocol, the races that it can lose.
//!
//! | part of the code | tests |
//! | --- | --- |
//! | `counted.rs`: `another`, `leave`, `count_out` | sole-clone, last-clone, clone-handed-on |
//! | `counted.rs`: `join`; `ledger/proxies.rs` | proxy-joined |
//! | `ledger/returns.rs`: `put_back`, `collect`, `take` | collected-while-attended, two-on-the-list |
//! | `ledger/returns.rs`: `attend` | collected-at-arrival |
//! | `ledger/returns.rs`: `is_errand_needed`, `unattend`; `ledger/errands.rs`: `note`, `take` | two-returns-at-once, errand-passes-at-departure, errand-passes-to-returner |
//! | `ledger/life.rs` | wait-as-the-end-begins |
//! | `strategy/epoch.rs` | value-read-in-place, published-twice, last-holder |
//! | what `strategy/epoch.rs` leans on, crossbeam-epoch | replaced-while-read |
//!
//! Everything that a channel consists of is under its mutexes: there is nothing of it here. A mutex is a word that is
//! exchanged and stored, where a test needs one. The word of a return list is as in `returns.rs`: 1 is ATTENDED, 2 is
//! ERRAND, 4 and 8 are nodes.

use super::{Change, Fact, Litmus, Place, Register, Step};
use Fact::{Left, Saw};
use Step::{Fence, Read, When, Write};
use std::sync::atomic::Ordering;
use viewchan::sync::site::{
    ATTEND, Access, COUNT_LOOK, EPOCH_LAST, EPOCH_LOAD, EPOCH_PUBLISH, ERRAND_SEEN, LIFE_END, LIFE_LOOK, PROXY_JOIN,
    RETURN_LOOK, RETURN_POP, RETURN_PUSH, UNATTEND, VIEW_CLONE, VIEW_DROP, VIEW_LAST, VIEW_SOLE,
};

const fn trusted(name: &'static str, ordering: Ordering) -> Access {
    Access { name, ordering }
}

/// A mutex, or whatever else hands something to another thread.
const LOCK: Access = trusted("mutex-lock", Ordering::Acquire);
const UNLOCK: Access = trusted("mutex-unlock", Ordering::Release);
/// What crossbeam-epoch does at a pin, at an unpin, and before a deferred function runs.
const PIN: Access = trusted("crossbeam-pin", Ordering::Relaxed);
const PIN_FENCE: Access = trusted("crossbeam-pin-fence", Ordering::SeqCst);
const UNPIN: Access = trusted("crossbeam-unpin", Ordering::Release);
const ADVANCE_FENCE: Access = trusted("crossbeam-advance-fence", Ordering::SeqCst);
const ADVANCE_LOOK: Access = trusted("crossbeam-advance-look", Ordering::Relaxed);
const ADVANCE_DONE: Access = trusted("crossbeam-advance-done", Ordering::Acquire);

/// The accesses of others that the tests lean on. They are weakened, too, to show that the tests notice.
pub const TRUSTED: &[Access] = &[LOCK, UNLOCK, PIN, PIN_FENCE, UNPIN, ADVANCE_FENCE, ADVANCE_LOOK, ADVANCE_DONE];

const fn load(into: Register, from: Place, access: Access) -> Step {
    Step::Load(into, from, access)
}

const fn add(into: Register, to: Place, value: i32, access: Access) -> Step {
    Step::Update(into, to, Change::Add(value), access)
}

const fn or(into: Register, to: Place, bits: i32, access: Access) -> Step {
    Step::Update(into, to, Change::Or(bits), access)
}

const fn swap(into: Register, place: Place, new: i32, access: Access) -> Step {
    Step::Update(into, place, Change::Swap(new), access)
}

/// As all exchanges of a return list: fails with `return-look`.
const fn replace(into: Register, place: Place, values: [i32; 2], access: Access) -> Step {
    Step::Replace(into, place, values, [access, RETURN_LOOK])
}

/// Takes a mutex; the test is about the executions in which it is free.
const fn lock(into: Register, mutex: Place) -> Step {
    swap(into, mutex, 1, LOCK)
}

const fn unlock(mutex: Place) -> Step {
    Step::Store(mutex, 0, UNLOCK)
}

/// All tests.
pub const LITMUS: &[Litmus] = &[
    Litmus {
        name: "last-clone",
        about: "What a clone of a view reads is read before the last one gives the buffer back.",
        start: &[("clones", 2)],
        threads: &[
            &[Read("seen", "bytes"), add("count", "clones", -1, VIEW_DROP)],
            &[
                add("count", "clones", -1, VIEW_DROP),
                When("count", 1),
                load("unused", "clones", VIEW_LAST),
                Write("bytes", 1),
            ],
        ],
        bad: &[&[Saw(0, "seen", 1)]],
    },
    Litmus {
        name: "sole-clone",
        about: "Who finds its clone alone finds what the others have read done with.",
        start: &[("clones", 2)],
        threads: &[
            &[Read("seen", "bytes"), add("count", "clones", -1, VIEW_DROP)],
            &[load("alone", "clones", VIEW_SOLE), When("alone", 1), Write("bytes", 1)],
        ],
        bad: &[&[Saw(0, "seen", 1)]],
    },
    Litmus {
        name: "clone-handed-on",
        about: "A clone that is handed to another thread is counted there.",
        start: &[("clones", 1)],
        threads: &[
            &[
                add("before", "clones", 1, VIEW_CLONE),
                Step::Store("handed", 1, UNLOCK),
                Read("seen", "bytes"),
                add("count", "clones", -1, VIEW_DROP),
                When("count", 1),
                load("unused", "clones", VIEW_LAST),
                Write("bytes", 1),
            ],
            &[
                load("taken", "handed", LOCK),
                When("taken", 1),
                Read("seen", "bytes"),
                add("count", "clones", -1, VIEW_DROP),
                When("count", 1),
                load("unused", "clones", VIEW_LAST),
                Write("bytes", 1),
            ],
        ],
        bad: &[&[Saw(0, "seen", 1)], &[Saw(1, "seen", 1)], &[Saw(0, "count", 1), Saw(1, "count", 1)]],
    },
    Litmus {
        name: "proxy-joined",
        about: "Who joins a proxy is one of its members, and what it adds is there for the last one.",
        start: &[("clones", 1)],
        threads: &[
            &[
                Read("seen", "bytes"),
                add("count", "clones", -1, VIEW_DROP),
                When("count", 1),
                load("unused", "clones", VIEW_LAST),
                Read("added", "surplus"),
                Write("bytes", 1),
            ],
            &[
                load("found", "clones", COUNT_LOOK),
                When("found", 1),
                Step::Replace("joined", "clones", [1, 2], [PROXY_JOIN, COUNT_LOOK]),
                When("joined", 1),
                Write("surplus", 1),
                Read("seen", "bytes"),
                add("count", "clones", -1, VIEW_DROP),
                When("count", 1),
                load("unused", "clones", VIEW_LAST),
                Write("bytes", 1),
            ],
        ],
        bad: &[
            &[Saw(0, "seen", 1)],
            &[Saw(1, "seen", 1)],
            &[Saw(1, "joined", 1), Saw(0, "added", 0)],
            &[Saw(0, "count", 1), Saw(1, "count", 1)],
        ],
    },
    Litmus {
        name: "collected-while-attended",
        about: "What is found on a return list is readable, and no longer read by who put it there.",
        start: &[("word", 1)],
        threads: &[
            &[
                Read("seen", "bytes"),
                load("found", "word", RETURN_LOOK),
                When("found", 1),
                Write("below", 1),
                replace("pushed", "word", [1, 5], RETURN_PUSH),
            ],
            &[
                load("found", "word", RETURN_LOOK),
                When("found", 5),
                Read("link", "below"),
                replace("popped", "word", [5, 1], RETURN_POP),
                When("popped", 5),
                Write("bytes", 1),
            ],
        ],
        bad: &[&[Saw(0, "seen", 1)], &[Saw(1, "link", 0)]],
    },
    Litmus {
        name: "two-on-the-list",
        about: "A buffer below another on a return list came there before it, also where an exchange had to find out.",
        start: &[("word", 1)],
        threads: &[
            &[Read("seen", "bytes"), replace("pushed", "word", [1, 5], RETURN_PUSH)],
            &[replace("pushed", "word", [5, 9], RETURN_PUSH)],
            &[
                replace("popped", "word", [5, 1], RETURN_POP),
                When("popped", 9),
                replace("again", "word", [9, 5], RETURN_POP),
                When("again", 9),
                Write("bytes", 1),
            ],
        ],
        bad: &[&[Saw(0, "seen", 1)]],
    },
    Litmus {
        name: "collected-at-arrival",
        about: "What a thread that arrives finds on the list is readable, and no longer read by who put it there.",
        start: &[],
        threads: &[
            &[
                Read("seen", "bytes"),
                load("found", "word", RETURN_LOOK),
                When("found", 0),
                Write("below", 1),
                replace("pushed", "word", [0, 6], RETURN_PUSH),
            ],
            &[
                or("found", "word", 1, ATTEND),
                When("found", 6),
                Read("link", "below"),
                replace("popped", "word", [7, 3], RETURN_POP),
                When("popped", 7),
                Write("bytes", 1),
            ],
        ],
        bad: &[&[Saw(0, "seen", 1)], &[Saw(1, "link", 0)]],
    },
    Litmus {
        name: "two-returns-at-once",
        about: "Who takes an errand that was given up since it looked has the link to itself.",
        start: &[],
        threads: &[
            &[
                replace("pushed", "word", [0, 6], RETURN_PUSH),
                When("pushed", 0),
                Write("earlier", 1),
                Read("link", "earlier"),
                // What is collected before, under the owner's lock, is collected in this step.
                replace("given_up", "word", [6, 0], ERRAND_SEEN),
            ],
            &[
                load("found", "word", RETURN_LOOK),
                When("found", 0),
                replace("pushed", "word", [0, 10], RETURN_PUSH),
                When("pushed", 0),
                Write("earlier", 2),
            ],
        ],
        bad: &[&[Saw(0, "link", 2)], &[Saw(0, "pushed", 0), Saw(1, "pushed", 0), Left("earlier", 1)]],
    },
    Litmus {
        name: "errand-passes-at-departure",
        about: "Who leaves the owner, and takes the errand that another thread has given up, has the link to itself.",
        start: &[("word", 6), ("earlier", 1)],
        threads: &[
            &[
                Read("link", "earlier"),
                Write("earlier", 3),
                load("found", "word", RETURN_LOOK),
                When("found", 7),
                replace("given_up", "word", [7, 5], ERRAND_SEEN),
            ],
            &[
                or("found", "word", 1, ATTEND),
                replace("guessed", "word", [1, 0], UNATTEND),
                When("guessed", 5),
                replace("left", "word", [5, 6], UNATTEND),
                When("left", 5),
                Write("earlier", 2),
            ],
        ],
        bad: &[&[Saw(0, "link", 2)], &[Saw(1, "left", 5), Left("earlier", 3)]],
    },
    Litmus {
        name: "errand-passes-to-returner",
        about: "An errand that was given up is taken by the next return, behind a departure that found nothing to do.",
        start: &[("word", 3), ("earlier", 1)],
        threads: &[
            &[Read("link", "earlier"), Write("earlier", 3), replace("given_up", "word", [3, 1], ERRAND_SEEN)],
            &[replace("left", "word", [1, 0], UNATTEND)],
            &[replace("pushed", "word", [0, 6], RETURN_PUSH), When("pushed", 0), Write("earlier", 2)],
        ],
        bad: &[&[Saw(0, "link", 2)], &[Saw(2, "pushed", 0), Left("earlier", 3)]],
    },
    Litmus {
        name: "wait-as-the-end-begins",
        about: "Who waits has said so before the end begins, and is woken, or says so later, and sees it.",
        start: &[],
        threads: &[
            &[
                lock("inside", "interpreter"),
                When("inside", 0),
                Write("waiting", 1),
                unlock("interpreter"),
                lock("queued", "channel"),
                When("queued", 0),
                load("ending", "life", LIFE_LOOK),
                When("ending", 0),
                Write("asleep", 1),
                unlock("channel"),
            ],
            &[
                lock("inside", "interpreter"),
                When("inside", 0),
                or("before", "life", 1, LIFE_END),
                Read("waits", "waiting"),
                unlock("interpreter"),
                When("waits", 1),
                lock("queued", "channel"),
                When("queued", 0),
                Read("sleeps", "asleep"),
                unlock("channel"),
            ],
        ],
        bad: &[&[Saw(0, "ending", 0), Saw(1, "waits", 0)], &[Saw(0, "ending", 0), Saw(1, "sleeps", 0)]],
    },
    Litmus {
        name: "value-read-in-place",
        about: "Who loads a published value can read it.",
        start: &[],
        threads: &[
            &[Write("value", 1), swap("former", "slot", 1, EPOCH_PUBLISH)],
            &[load("current", "slot", EPOCH_LOAD), When("current", 1), Read("seen", "value")],
        ],
        bad: &[&[Saw(1, "seen", 0)]],
    },
    Litmus {
        name: "published-twice",
        about: "Who replaces a value that another thread has published can give it back.",
        start: &[],
        threads: &[
            &[Write("value", 1), swap("former", "slot", 1, EPOCH_PUBLISH)],
            &[swap("former", "slot", 2, EPOCH_PUBLISH), When("former", 1), Read("seen", "value")],
        ],
        bad: &[&[Saw(1, "seen", 0)]],
    },
    Litmus {
        name: "last-holder",
        about: "The last holder of a slot finds what was published, and can give it back.",
        start: &[("holders", 2)],
        threads: &[
            &[
                Write("value", 1),
                swap("former", "slot", 1, EPOCH_PUBLISH),
                lock("counts", "mutex"),
                When("counts", 0),
                Read("left", "holders"),
                When("left", 2),
                Write("holders", 1),
                unlock("mutex"),
            ],
            &[
                lock("counts", "mutex"),
                When("counts", 0),
                Read("left", "holders"),
                When("left", 1),
                swap("last", "slot", 0, EPOCH_LAST),
                Read("seen", "value"),
            ],
        ],
        bad: &[&[Saw(1, "last", 0)], &[Saw(1, "seen", 0)]],
    },
    Litmus {
        name: "replaced-while-read",
        about: "A value is not reused while the guard exists under which it was loaded.",
        start: &[("slot", 1)],
        threads: &[
            &[
                Step::Store("pinned", 1, PIN),
                Fence(PIN_FENCE),
                load("current", "slot", EPOCH_LOAD),
                When("current", 1),
                Read("seen", "value"),
                Step::Store("pinned", 0, UNPIN),
            ],
            &[
                swap("former", "slot", 2, EPOCH_PUBLISH),
                Fence(ADVANCE_FENCE),
                load("guarded", "pinned", ADVANCE_LOOK),
                When("guarded", 0),
                Fence(ADVANCE_DONE),
                Write("value", 1),
            ],
        ],
        bad: &[&[Saw(0, "seen", 1)]],
    },
];
