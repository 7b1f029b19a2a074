//! A litmus test as AArch64 machine code: what rustc 1.95 (LLVM 22) emits for each access, by the ordering that it has.
//!
//! | access | [`Base`](Level::Base): Armv8.0 | [`Newer`](Level::Newer): with LSE and RCPC |
//! | --- | --- | --- |
//! | load, `Acquire` | `LDAR` | `LDAPR` |
//! | store, `Release` | `STLR` | `STLR` |
//! | read-modify-write | `LD(A)XR` … `ST(L)XR` | `LDADD`, `LDSET`, `SWP`, with `A`, `L`, both or none |
//! | exchange if equal | the same, with a branch between | `CAS`, with the same letters |
//! | fence | `DMB ISH`, `DMB ISHLD` if `Acquire` | the same |
//!
//! The default target calls functions that choose between the two at run time, and loads with `LDAR`, which allows no more
//! than `LDAPR`. An exchange has the letters that it needs to succeed and those that it needs to fail, together.
//!
//! An address that is read from a place is a constant here, so a dependency that a processor respects is missing: the test
//! allows more than the code does.

use super::{Change, Litmus, Orderings, Place, Register, Step, UNSEEN, condition, head, places, registers};
use std::fmt::Write;
use std::sync::atomic::Ordering;

/// The instructions that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Armv8.0: pairs of exclusive accesses.
    Base,
    /// Atomic instructions (LSE), and loads that acquire no more than they must (RCPC).
    Newer,
}

/// The text for herd7.
pub fn write(litmus: &Litmus, orderings: Orderings, level: Level) -> String {
    let mut text = format!("AArch64{}", head(litmus, orderings));
    let threads: Vec<Thread> = litmus.threads.iter().map(|steps| Thread::new(steps)).collect();
    for (number, thread) in threads.iter().enumerate() {
        for (at, place) in thread.places.iter().enumerate() {
            let _ = write!(text, "  {number}:X{at}={place};");
        }
        for register in &thread.registers {
            let _ = write!(text, "  {number}:X{}={UNSEEN};", thread.number(register));
        }
        text.push('\n');
    }
    text += "}\n";
    let mut columns: Vec<Vec<String>> = Vec::new();
    for (number, (steps, thread)) in litmus.threads.iter().zip(&threads).enumerate() {
        let mut code = Code { number, thread, orderings, level, lines: vec![format!("P{number}")] };
        steps.iter().for_each(|step| code.add(step));
        code.lines.push(format!("{}:", code.end()));
        columns.push(code.lines);
    }
    for row in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
        let cells = columns.iter().map(|column| format!("{:22}", column.get(row).map_or("", String::as_str)));
        let _ = writeln!(text, " {} ;", cells.collect::<Vec<_>>().join(" | "));
    }
    text + &condition(litmus, |thread, register| format!("X{}", threads[thread].number(register)))
}

/// Which machine registers a thread uses: first those with the addresses of places, then its own.
struct Thread {
    places: Vec<Place>,
    registers: Vec<Register>,
}

/// Scratch registers.
const FOUND: &str = "W27";
const VALUE: &str = "W28";
const FAILED: &str = "W29";

impl Thread {
    fn new(steps: &[Step]) -> Self {
        let places = places(steps).into_iter().map(|(place, _)| place).collect();
        Self { places, registers: registers(steps) }
    }

    fn number(&self, register: Register) -> usize {
        let at = self.registers.iter().position(|other| *other == register);
        self.places.len() + at.expect("the thread writes it")
    }
}

/// The code of a thread so far.
struct Code<'a> {
    number: usize,
    thread: &'a Thread,
    orderings: Orderings,
    level: Level,
    lines: Vec<String>,
}

impl Code<'_> {
    fn end(&self) -> String {
        format!("end{}", self.number)
    }

    fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    fn address(&self, place: Place) -> String {
        let at = self.thread.places.iter().position(|other| *other == place);
        format!("[X{}]", at.expect("the thread touches it"))
    }

    fn register(&self, register: Register) -> String {
        format!("W{}", self.thread.number(register))
    }

    fn add(&mut self, step: &Step) {
        match *step {
            Step::Read(register, place) => {
                self.line(format!("LDR {},{}", self.register(register), self.address(place)));
            }
            Step::Write(place, value) => {
                self.line(format!("MOV {VALUE},#{value}"));
                self.line(format!("STR {VALUE},{}", self.address(place)));
            }
            Step::Load(register, place, access) => {
                let load = match (letters(&[self.orderings.of(access)]).0, self.level) {
                    ("", _) => "LDR",
                    (_, Level::Base) => "LDAR",
                    (_, Level::Newer) => "LDAPR",
                };
                self.line(format!("{load} {},{}", self.register(register), self.address(place)));
            }
            Step::Store(place, value, access) => {
                let release = letters(&[self.orderings.of(access)]).1;
                self.line(format!("MOV {VALUE},#{value}"));
                self.line(format!("ST{release}R {VALUE},{}", self.address(place)));
            }
            Step::Update(register, place, change, access) => {
                self.update(register, place, change, self.orderings.of(access));
            }
            Step::Replace(register, place, values, accesses) => {
                self.replace(register, place, values, accesses.map(|access| self.orderings.of(access)));
            }
            Step::Fence(access) => match self.orderings.of(access) {
                Ordering::Relaxed => {}
                Ordering::Acquire => self.line("DMB ISHLD".to_owned()),
                _ => self.line("DMB ISH".to_owned()),
            },
            Step::When(register, value) => {
                self.line(format!("CMP {},#{value}", self.register(register)));
                self.line(format!("B.NE {}", self.end()));
            }
        }
    }

    fn update(&mut self, register: Register, place: Place, change: Change, ordering: Ordering) {
        let (into, address) = (self.register(register), self.address(place));
        if self.level == Level::Newer {
            let (acquire, release) = letters(&[ordering]);
            let (name, value) = match change {
                Change::Add(value) => ("LDADD", value),
                Change::Or(value) => ("LDSET", value),
                Change::Swap(value) => ("SWP", value),
            };
            self.line(format!("MOV {VALUE},#{value}"));
            self.line(format!("{name}{acquire}{release} {VALUE},{into},{address}"));
            return;
        }
        let compute = match change {
            Change::Add(value @ 0..) => format!("ADD {VALUE},{FOUND},#{value}"),
            Change::Add(value) => format!("SUB {VALUE},{FOUND},#{}", -value),
            Change::Or(value) => format!("ORR {VALUE},{FOUND},#{value}"),
            Change::Swap(value) => format!("MOV {VALUE},#{value}"),
        };
        self.exclusively(&address, &[ordering], &[compute]);
        self.line(format!("MOV {into},{FOUND}"));
    }

    fn replace(&mut self, register: Register, place: Place, [present, new]: [i32; 2], orderings: [Ordering; 2]) {
        let (into, address) = (self.register(register), self.address(place));
        if self.level == Level::Newer {
            let (acquire, release) = letters(&orderings);
            self.line(format!("MOV {into},#{present}"));
            self.line(format!("MOV {VALUE},#{new}"));
            self.line(format!("CAS{acquire}{release} {into},{VALUE},{address}"));
            return;
        }
        let done = format!("done{}_{}", self.number, self.lines.len());
        let compute = [format!("CMP {FOUND},#{present}"), format!("B.NE {done}"), format!("MOV {VALUE},#{new}")];
        self.exclusively(&address, &orderings, &compute);
        self.line(format!("{done}: MOV {into},{FOUND}"));
    }

    /// A pair of exclusive accesses. Where the code would try again, the thread of the test ends.
    fn exclusively(&mut self, address: &str, orderings: &[Ordering], compute: &[String]) {
        let (acquire, release) = letters(orderings);
        self.line(format!("LD{acquire}XR {FOUND},{address}"));
        self.lines.extend_from_slice(compute);
        self.line(format!("ST{release}XR {FAILED},{VALUE},{address}"));
        self.line(format!("CBNZ {FAILED},{}", self.end()));
    }
}

/// The letters of an instruction that has all these orderings.
fn letters(orderings: &[Ordering]) -> (&'static str, &'static str) {
    use Ordering::{AcqRel, Acquire, Release, SeqCst};
    let acquires = orderings.iter().any(|ordering| matches!(ordering, Acquire | AcqRel | SeqCst));
    let releases = orderings.iter().any(|ordering| matches!(ordering, Release | AcqRel | SeqCst));
    (if acquires { "A" } else { "" }, if releases { "L" } else { "" })
}
