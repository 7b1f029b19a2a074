//! One operation, many times over, for callgrind: `.ci/instructions` counts what it executes, which no other load can change.
//!
//! `instructions NAME TIMES` does it so often; `instructions` lists the names.

#[path = "work/mod.rs"]
#[allow(dead_code, reason = "only work of one thread can be counted")]
mod work;

use std::process::ExitCode;
use work::{Work, peer, single};

fn main() -> ExitCode {
    if !work::is_to_be_timed("instructions") {
        return ExitCode::SUCCESS;
    }
    let works = works();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [name, times] = &arguments[..] else {
        works.iter().for_each(|work| println!("{}", work.name));
        return ExitCode::SUCCESS;
    };
    match (works.into_iter().find(|work| work.name == name), times.parse()) {
        (Some(mut work), Ok(times)) => {
            (work.run)(times);
            ExitCode::SUCCESS
        }
        (None, _) => {
            eprintln!("there is no operation {name:?}; without arguments, all are listed");
            ExitCode::from(2)
        }
        (_, Err(error)) => {
            eprintln!("how often is {times:?}? {error}");
            ExitCode::from(2)
        }
    }
}

/// What one thread does by itself.
fn works() -> Vec<Work> {
    let mut works = single::works();
    works.push(peer::epoch_read());
    works
}
