//! The tests on real threads in one binary, so that a mutant of `core` is linked once and not fifteen times: see
//! "Mutants" in CONTRIBUTING.md. `growth`, which replaces the allocator, `compile_fail` and `tidy` stay by themselves.

#[path = "accounting.rs"]
mod accounting;
#[path = "allocations.rs"]
mod allocations;
#[path = "array.rs"]
mod array;
#[path = "attach.rs"]
mod attach;
#[path = "channel.rs"]
mod channel;
#[path = "ends.rs"]
mod ends;
#[path = "epoch.rs"]
mod epoch;
#[path = "errands.rs"]
mod errands;
#[path = "format.rs"]
mod format;
#[path = "layout/main.rs"]
mod layout;
#[path = "life.rs"]
mod life;
#[path = "local_view.rs"]
mod local_view;
#[path = "misuse/main.rs"]
mod misuse;
#[path = "ndarray.rs"]
mod ndarray;
#[path = "readiness.rs"]
mod readiness;
#[path = "same_memory.rs"]
mod same_memory;
#[path = "strategies.rs"]
mod strategies;
#[path = "thaw.rs"]
mod thaw;
#[path = "toy_runtime.rs"]
mod toy_runtime;
#[path = "view.rs"]
mod view;
#[path = "words.rs"]
mod words;
