//! A litmus test as a C program: the memory model of C11, which is Rust's.

use super::{Change, Litmus, Orderings, Step, UNSEEN, condition, head, places, registers};
use std::fmt::Write;
use std::sync::atomic::Ordering;

/// The text for herd7.
pub fn write(litmus: &Litmus, orderings: Orderings) -> String {
    let mut text = format!("C{}", head(litmus, orderings));
    for (thread, steps) in litmus.threads.iter().enumerate() {
        for (place, present) in expected(thread, steps) {
            let _ = writeln!(text, "  {place}={present};");
        }
    }
    text += "}\n";
    for (thread, steps) in litmus.threads.iter().enumerate() {
        let mut places: Vec<String> = places(steps).into_iter().map(parameter).collect();
        places.extend(expected(thread, steps).into_iter().map(|(place, _)| format!("int* {place}")));
        let _ = writeln!(text, "P{thread} ({}) {{", places.join(", "));
        for register in registers(steps) {
            let _ = writeln!(text, "  int {register} = {UNSEEN};");
        }
        let mut depth = 1;
        for (at, step) in steps.iter().enumerate() {
            let _ = writeln!(text, "{:1$}{2}", "", 2 * depth, statement(step, &expected_at(thread, at), orderings));
            depth += usize::from(matches!(step, Step::When(..)));
        }
        for depth in (0..depth).rev() {
            let _ = writeln!(text, "{:1$}}}", "", 2 * depth);
        }
    }
    text + &condition(litmus, |_, register| register.to_owned())
}

fn parameter((place, is_atomic): (&str, bool)) -> String {
    format!("{}* {place}", if is_atomic { "atomic_int" } else { "int" })
}

/// An exchange takes the value that it expects from memory, and leaves there what it found: a place of its own for each.
fn expected(thread: usize, steps: &[Step]) -> Vec<(String, i32)> {
    let expected = steps.iter().enumerate().filter_map(|(at, step)| match step {
        Step::Replace(_, _, [present, _], _) => Some((expected_at(thread, at), *present)),
        _ => None,
    });
    expected.collect()
}

fn expected_at(thread: usize, at: usize) -> String {
    format!("expected_{thread}_{at}")
}

fn statement(step: &Step, expected: &str, orderings: Orderings) -> String {
    let word = |access| word(orderings.of(access));
    match *step {
        Step::Read(register, place) => format!("{register} = *{place};"),
        Step::Write(place, value) => format!("*{place} = {value};"),
        Step::Load(register, place, access) => {
            format!("{register} = atomic_load_explicit({place}, {});", word(access))
        }
        Step::Store(place, value, access) => format!("atomic_store_explicit({place}, {value}, {});", word(access)),
        Step::Update(register, place, change, access) => {
            let (function, value) = match change {
                Change::Add(value) => ("fetch_add", value),
                Change::Or(value) => ("fetch_or", value),
                Change::Swap(value) => ("exchange", value),
            };
            format!("{register} = atomic_{function}_explicit({place}, {value}, {});", word(access))
        }
        Step::Replace(register, place, [_, new], [access, otherwise]) => format!(
            "atomic_compare_exchange_strong_explicit({place}, {expected}, {new}, {}, {}); {register} = *{expected};",
            word(access),
            word(otherwise)
        ),
        // A relaxed fence is none, and C has no such thing.
        Step::Fence(access) if orderings.of(access) == Ordering::Relaxed => String::from("// no fence"),
        Step::Fence(access) => format!("atomic_thread_fence({});", word(access)),
        Step::When(register, value) => format!("if ({register} == {value}) {{"),
    }
}

fn word(ordering: Ordering) -> &'static str {
    match ordering {
        Ordering::Relaxed => "memory_order_relaxed",
        Ordering::Acquire => "memory_order_acquire",
        Ordering::Release => "memory_order_release",
        Ordering::AcqRel => "memory_order_acq_rel",
        _ => "memory_order_seq_cst",
    }
}
