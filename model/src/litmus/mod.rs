//! Litmus tests: each lock-free step of the protocol, small enough for axioms.
//!
//! Loom explores executions, and does not explore all of them: it knows no load buffering, and takes an access that is `SeqCst`
//! for `AcqRel`. herd7 has the axioms of a memory model, and generates every execution that they allow. So each race of an
//! atomic access with another is here again as a few steps, written as data: [`catalogue`]. An access names its
//! [site](viewchan::sync::site), so the test is about the ordering that ships, and there is no second list to keep.
//!
//! A test is written out for the model of a language, [`c`], and for that of a processor, [`aarch64`], where an access is
//! what the compiler emits for that ordering. Its bad outcome must be forbidden, and must be allowed as soon as one of
//! the orderings is [weaker]: so it is the ordering that forbids it.

pub mod aarch64;
pub mod c;
pub mod catalogue;

use aarch64::Level;
use catalogue::TRUSTED;
use std::fmt::{self, Write};
use std::sync::atomic::Ordering;
use viewchan::sync::site::{ACCESSES, Access};

/// A place in memory that threads share. Its content is 0 unless the test says otherwise.
pub type Place = &'static str;
/// Where a thread keeps what it has seen. Until then it is [`UNSEEN`].
pub type Register = &'static str;

/// What a register has before anything is put into it. No step writes this value.
pub const UNSEEN: i32 = 99;

/// What a thread does next. Without an access it is plain: no other thread may do the same at the same time.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A plain read.
    Read(Register, Place),
    /// A plain write.
    Write(Place, i32),
    /// An atomic load.
    Load(Register, Place, Access),
    /// An atomic store.
    Store(Place, i32, Access),
    /// An atomic read-modify-write that always succeeds; the register gets the former value.
    Update(Register, Place, Change, Access),
    /// Puts the second value in if the first is there; the register gets the former value. Fails with the second access.
    Replace(Register, Place, [i32; 2], [Access; 2]),
    /// A fence.
    Fence(Access),
    /// The thread goes on only if the register has the value.
    When(Register, i32),
}

/// What an update does.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Adds a number.
    Add(i32),
    /// Sets bits.
    Or(i32),
    /// Puts another value in.
    Swap(i32),
}

/// Something that is so in the end.
#[derive(Clone, Copy, Debug)]
pub enum Fact {
    /// The thread of this number has this value in this register.
    Saw(usize, Register, i32),
    /// This is left in that place.
    Left(Place, i32),
}

/// A litmus test.
#[derive(Clone, Copy, Debug)]
pub struct Litmus {
    /// Its name: the race.
    pub name: &'static str,
    /// What must hold, in a sentence.
    pub about: &'static str,
    /// What is not 0 at the start.
    pub start: &'static [(Place, i32)],
    /// The threads.
    pub threads: &'static [&'static [Step]],
    /// The bad outcome: all facts of one of these lists. So is every data race, where the model has such a thing.
    pub bad: &'static [&'static [Fact]],
}

impl Step {
    /// The accesses of the step, with those that it may fail with.
    pub fn accesses(&self) -> &[Access] {
        match self {
            Self::Read(..) | Self::Write(..) | Self::When(..) => &[],
            Self::Load(.., access) | Self::Store(.., access) | Self::Update(.., access) | Self::Fence(access) => {
                std::slice::from_ref(access)
            }
            Self::Replace(.., accesses) => accesses,
        }
    }

    fn place(&self) -> Option<(Place, bool)> {
        match *self {
            Self::Read(_, place) | Self::Write(place, _) => Some((place, false)),
            Self::Load(_, place, _)
            | Self::Store(place, ..)
            | Self::Update(_, place, ..)
            | Self::Replace(_, place, ..) => Some((place, true)),
            Self::Fence(_) | Self::When(..) => None,
        }
    }

    fn register(&self) -> Option<Register> {
        match *self {
            Self::Read(register, _)
            | Self::Load(register, ..)
            | Self::Update(register, ..)
            | Self::Replace(register, ..) => Some(register),
            Self::Write(..) | Self::Store(..) | Self::Fence(_) | Self::When(..) => None,
        }
    }
}

/// What a test can be written out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The memory model of a language.
    C11,
    /// A processor.
    Aarch64(Level),
}

/// All of them.
pub const TARGETS: [Target; 3] = [Target::C11, Target::Aarch64(Level::Base), Target::Aarch64(Level::Newer)];

impl Target {
    /// The name of the file for a test.
    pub fn file(self, litmus: &Litmus) -> String {
        let suffix = match self {
            Self::C11 => "c11",
            Self::Aarch64(Level::Base) => "aarch64",
            Self::Aarch64(Level::Newer) => "aarch64-newer",
        };
        format!("{}.{suffix}.litmus", litmus.name)
    }

    /// The models of herd7 that the test is for.
    pub fn models(self) -> &'static [&'static str] {
        match self {
            Self::C11 => &["c11_partialSC.cat", "rc11.cat"],
            Self::Aarch64(_) => &["aarch64.cat"],
        }
    }

    /// The test as text for herd7.
    pub fn write(self, litmus: &Litmus, orderings: Orderings) -> String {
        match self {
            Self::C11 => c::write(litmus, orderings),
            Self::Aarch64(level) => aarch64::write(litmus, orderings, level),
        }
    }
}

impl Litmus {
    /// The accesses that it names, each once.
    pub fn accesses(&self) -> Vec<Access> {
        once(self.threads.iter().copied().flatten().flat_map(Step::accesses).copied())
    }
}

/// The places that these steps touch, each once, and whether atomically.
fn places(steps: &[Step]) -> Vec<(Place, bool)> {
    once(steps.iter().filter_map(Step::place))
}

/// The registers that these steps write, each once.
fn registers(steps: &[Step]) -> Vec<Register> {
    once(steps.iter().filter_map(Step::register))
}

fn once<T: PartialEq>(things: impl Iterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for thing in things {
        if !kept.contains(&thing) {
            kept.push(thing);
        }
    }
    kept
}

/// The orderings that a test is written out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orderings {
    /// Those that ship.
    Shipped,
    /// The same, but for the access of this name.
    Weakened(&'static str, Ordering),
    /// All are `Relaxed`.
    Relaxed,
}

impl Orderings {
    /// One access weakened, as in `view-drop` or `return-push=acquire`.
    ///
    /// # Errors
    ///
    /// If there is no such access or no such ordering, or if it is not weaker than what ships.
    pub fn weakened(text: &str) -> Result<Self, String> {
        let (name, wanted) = text.split_once('=').unwrap_or((text, "relaxed"));
        let all = || ACCESSES.iter().chain(TRUSTED);
        let Some(access) = all().find(|access| access.name == name) else {
            let names: Vec<_> = all().map(|access| access.name).collect();
            return Err(format!("no access is called {name}: there are {}", names.join(", ")));
        };
        let weaker = weaker(access.ordering);
        match weaker.iter().find(|ordering| format!("{ordering:?}").eq_ignore_ascii_case(wanted)) {
            Some(ordering) => Ok(Self::Weakened(access.name, *ordering)),
            None => Err(format!("{name} is {:?}: weaker than that is {weaker:?}", access.ordering)),
        }
    }

    fn of(self, access: Access) -> Ordering {
        match self {
            Self::Weakened(name, ordering) if name == access.name => ordering,
            Self::Shipped | Self::Weakened(..) => access.ordering,
            Self::Relaxed => Ordering::Relaxed,
        }
    }
}

impl fmt::Display for Orderings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => write!(f, "as it ships"),
            Self::Weakened(name, ordering) => write!(f, "with {name} {ordering:?}"),
            Self::Relaxed => write!(f, "with all Relaxed"),
        }
    }
}

/// All orderings that are weaker than this one.
pub fn weaker(ordering: Ordering) -> &'static [Ordering] {
    use Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
    match ordering {
        SeqCst => &[AcqRel, Acquire, Release, Relaxed],
        AcqRel => &[Acquire, Release, Relaxed],
        Acquire | Release => &[Relaxed],
        _ => &[],
    }
}

/// The condition for herd7, where a register is called as `named` says.
fn condition(litmus: &Litmus, named: impl Fn(usize, Register) -> String) -> String {
    let fact = |fact: &Fact| match *fact {
        Fact::Saw(thread, register, value) => format!("{thread}:{}={value}", named(thread, register)),
        Fact::Left(place, value) => format!("[{place}]={value}"),
    };
    let all = |facts: &&[Fact]| format!("({})", facts.iter().map(fact).collect::<Vec<_>>().join(" /\\ "));
    let any = litmus.bad.iter().map(all).collect::<Vec<_>>().join("\n        \\/ ");
    format!("exists {any}\n")
}

/// The first lines, behind the name of the language.
fn head(litmus: &Litmus, orderings: Orderings) -> String {
    let mut text = format!(" {}\n\"{} ({orderings})\"\n{{\n", litmus.name, litmus.about);
    for (place, value) in litmus.start {
        let _ = writeln!(text, "  {place}={value};");
    }
    text
}
