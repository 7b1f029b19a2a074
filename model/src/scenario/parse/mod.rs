//! The file format of a scenario, and its parser.
//!
//! A scenario file is TOML. Every key that is not listed here is refused.
//!
//! ```toml
//! name = "one-message"
//! about = "One buffer goes from A to B: the receiver's read and release race the sender's end."
//! tier = "exhaustive"
//! interpreters = ["A", "B"]
//!
//! [[buffer]]
//! name = "x"
//! owner = "A"
//!
//! [[channel]]
//! name = "c"
//! capacity = 1
//!
//! [[thread]]
//! name = "sender"
//! in = "A"
//! holds = ["x", "c.tx"]
//! steps = ["send c.tx x"]
//!
//! [[thread]]
//! name = "receiver"
//! holds = ["c.rx"]
//! steps = [
//!     "recv c.rx v",
//!     "attach B",
//!     "read v",
//!     "release v",
//!     "end",
//! ]
//! ```
//!
//! # Keys
//!
//! | key | meaning |
//! | --- | --- |
//! | `name` | The scenario's name, equal to the file's stem. |
//! | `about` | A sentence: which race, and what must hold. Required, not blank. |
//! | `tier` | `"exhaustive"`, or `"bounded"` together with `preemptions`. |
//! | `preemptions` | 2 or 3: how many preemptions loom may insert into one execution. |
//! | `strategies` | Optional. The strategies that it is for. Without: `["epoch"]` if there is a slot, else all five of channels if there is a buffer, else `["view"]`. |
//! | `bounded-for` | Optional, in tier `exhaustive`. Strategies with 2 or 3 preemptions, as `{ deferred = 3 }`: loom explores these bounded. |
//! | `batch` | Optional, 2 or 3. Under `deferred`: how many returned buffers are collected at a time, and how many releases of an interpreter's threads wait for each other. 1 without. |
//! | `defect` | Optional. The defect of CPython that this is the regression scenario of, `"D1"` to `"D14"`. |
//! | `fault` | Optional. A fault of the specification that must be refuted here; `viewchan explain SCENARIO` draws how. |
//! | `interpreters` | The names of the interpreters, 1 to 16. |
//! | `[[buffer]]` | A buffer, frozen before the threads start: its `name` and its `owner`, an interpreter. At most 6. |
//! | `[[channel]]` | A channel: its `name`, its `capacity` in messages, at least 1 (unbounded without), and `undelivered`. At most 6. |
//! | `undelivered` | Optional. The policy of its send ends: `"deliver"`, as without it, `"error"` or `"remove"`; see below. |
//! | `[[slot]]` | A broadcast slot: its `name`. At most 2, and not beside a channel or a view: a slot has a strategy of its own, `epoch`. |
//! | `[[thread]]` | A thread, 1 to 16 of them: `name`, `in`, `holds`, `steps`. |
//! | `in` | Optional. The interpreter that the thread is attached to for all of its steps: `attach` around them. |
//! | `holds` | Optional. What the thread holds from the start; see below. |
//! | `steps` | What the thread does, 1 to 24 lines. Whatever it still holds behind the last one is dropped, attached to nobody. |
//!
//! Names begin with a lower-case letter and go on with lower-case letters, digits and `-`. Interpreters begin with a
//! capital letter and go on with letters and digits. No name is longer than 40 characters. Buffers, channels and slots
//! do not share a name, nor do two threads.
//!
//! # Variables
//!
//! A thread starts with the variables that `holds` lists, each named as it is written there:
//!
//! | variable | holds |
//! | --- | --- |
//! | `x` | A handle of the buffer `x`. Several threads may hold one each. |
//! | `x.view` | A view of the buffer `x`. The views of one buffer that threads hold at the start are clones of each other. |
//! | `c.tx` | A send end of the channel `c`. Several threads may hold one each. |
//! | `c.rx` | The receive end of the channel `c`. One thread at most holds it. |
//! | `s.pub` | The publisher of the slot `s`. One thread at most holds it. |
//! | `s.sub` | A subscriber of the slot `s`. Several threads may hold one each. |
//!
//! Some thread must hold each buffer, as a handle or as a view. Further variables are introduced by steps, written
//! `NAME` below. A name is introduced once in a thread and never again, so that no step meets a target that is in use.
//!
//! # Steps
//!
//! | step | does |
//! | --- | --- |
//! | `send END WHAT` | Sends a buffer handle or a channel end, waiting for space. |
//! | `try-send END WHAT` | The same without waiting. |
//! | `send-timeout END WHAT` | The same with a deadline that may pass at any moment. |
//! | `recv END NAME` | Receives a view or a channel end, waiting for a message. |
//! | `try-recv END NAME` | The same without waiting. |
//! | `recv-timeout END NAME` | The same with a deadline that may pass at any moment. |
//! | `copy WHAT NAME` | Another handle of a buffer, attached to its owner; or another send end or subscriber. |
//! | `clone VIEW NAME` | Another view of the same bytes. |
//! | `slice VIEW NAME` | A view of the bytes behind the first one. |
//! | `read WHAT` | Reads every byte of a view, of a reading or of a buffer handle. |
//! | `release VIEW` | Releases a view or a reading. |
//! | `drop WHAT` | Drops anything. |
//! | `thaw HANDLE` | Thaws a buffer, writes new bytes, freezes it again; attached to its owner. |
//! | `close END` | Closes the channel from this side; the end is gone afterwards. |
//! | `publish PUBLISHER HANDLE` | The buffer becomes the slot's current value, in place of the one before; attached. |
//! | `peek SUBSCRIBER NAME` | A reading of the slot's current value; `nothing` if there is none. |
//! | `undelivered END POLICY` | What becomes of the messages sent through this send end from now on, if their owner ends. |
//! | `end INTERPRETER` | Ends an interpreter: nobody attaches to it from now on. It has ended when the last thread has left it. Anywhere. |
//! | `safepoint` | Lets a thread in that waits for the interpreter; attached. |
//! | `attach INTERPRETER` … `end` | Does the steps between them attached to the interpreter. |
//! | `detach` … `end` | Does the steps between them attached to nobody. |
//! | `panic NAME…` | The last step of an `attach` block (`end` still follows) or of a thread with `in`: panics. The named variables drop during the unwinding; it is caught behind the block. |
//!
//! A step whose variable turns out to be empty at run time is skipped: `recv` may have found the channel closed. What
//! is *certain* is refused by the parser: a step on a variable that surely holds the wrong kind of thing, or nothing
//! any more after `drop`, `release`, `close` or `panic`; a `thaw` or a `copy` of a handle that is not attached to its
//! owner; a `send`, a `publish` or a `safepoint` that is attached to nobody; an end sent through itself; a deadline at an end that the
//! thread does not hold from the start.
//!
//! # The end of an interpreter
//!
//! `end INTERPRETER` has the result `ended`, or `ended-before`, and waits for nobody. From then on an `attach` to it is
//! refused at run time: its result is `gone`, and its body is skipped together with its `panic`. A thread that is inside
//! goes on; if it waits in a `send` or a `recv`, that ends with the result `interrupted`.
//!
//! A message whose owner ended before it was received follows the policy of the end that sent it: `deliver` shows the
//! bytes as always, `error` gives the receiver `owner-ended` in its place, `remove` passes over it. Clones of a send end
//! inherit its policy. `end` alone closes a block, `end` with a name ends an interpreter.
//!
//! # Slots
//!
//! `publish` has the result `published`, or `not-owner` where the thread is attached to another interpreter than the
//! buffer's. `peek` has the bytes as its result, `x0`, or `nothing`. Each `peek` makes a reader of its own, which is gone
//! with the reading, or at once if there is nothing: so a reading is a holder of the slot, as subscribers and the publisher
//! are. A reading stays on its thread, and keeps its value until it is dropped; what was published goes back to its owner
//! when it has been replaced, or the slot's last holder is gone, and nobody can be reading it.
//!
//! # Size
//!
//! A file has at most 64 KiB. Loom runs at most five threads, and each step with a deadline needs one that lets it pass. So a
//! scenario in which threads and steps with `-timeout` are more than 5 together is *large*: only the engine `shuttle` takes
//! it, and does not compare it with the specification's outcomes, of which there are too many.

mod declare;
mod error;
mod file;
mod purpose;
mod scope;
mod steps;
mod threads;
mod words;

#[cfg(test)]
mod tests;

use self::declare::Declared;
pub use self::error::ParseError;
use self::error::{Checked, Problem};
use self::file::File;
use crate::scenario::Scenario;

/// The most bytes of a file.
pub const MOST_BYTES: usize = 64 * 1024;

/// Parses a scenario file and checks everything that can be known without running it.
///
/// `file` is its path: it stands in front of every message, and its stem is the scenario's name.
///
/// # Errors
///
/// The first thing that is wrong, with its line.
pub fn parse(file: &str, text: &str) -> Result<Scenario, ParseError> {
    check(file, text).map_err(|problem| problem.in_file(file, text))
}

fn check(file: &str, text: &str) -> Checked<Scenario> {
    if text.len() > MOST_BYTES {
        return Err(Problem::new(0, format!("more than {MOST_BYTES} bytes; expected at most so many")));
    }
    let read = File::read(text)?;
    let name = declare::check_scenario_name(file, &read.name)?;
    let about = declare::check_about(&read.about)?;
    let tier = declare::check_tier(&read)?;
    let strategies = purpose::check_strategies(&read)?;
    let bounded_for = purpose::check_bounded_for(&read, &strategies)?;
    let batch = declare::check_batch(&read)?;
    let (defect, fault) = (purpose::check_defect(&read)?, purpose::check_fault(&read)?);
    let declared = Declared::check(&read)?;
    let threads = threads::compile(text, &declared, &read)?;
    Ok(Scenario {
        name,
        about,
        tier,
        strategies,
        bounded_for,
        batch,
        defect,
        fault,
        interpreters: declared.interpreters,
        buffers: declared.buffers,
        channels: declared.channels,
        slots: declared.slots,
        threads,
    })
}
