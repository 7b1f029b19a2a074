//! Broken strategies, one file for each that is broken.
//!
//! Each is the shipped strategy of that name with a flaw in one place: told again, or built around the shipped one, so that
//! there is a place for the flaw. That the telling is right, the flaw `none` shows, which must pass.
#![allow(unsafe_code, reason = "broken on purpose; run in child processes only")]

mod deferred;
mod handover;
mod proxy;
mod shared;
mod view;

use crate::engine::strategy::Work;
use crate::scenario::Strategy;
use std::mem::ManuallyDrop;
use viewchan::reference::Object;
use viewchan::{Buffer, Cause, Interpreter};

/// The strategies that can be broken here.
pub(super) const FLAWED: &[Strategy] =
    &[Strategy::Shared, Strategy::Proxy, Strategy::View, Strategy::Handover, Strategy::Deferred];

/// Does the work with the strategy that has this flaw, `none` for none.
///
/// # Errors
///
/// If no flaw can be put into that strategy.
pub(super) fn with_flaw<W: Work>(flaw: &str, strategy: Strategy, work: W) -> Result<W::Outcome, String> {
    Ok(match strategy {
        Strategy::Shared => shared::with_flaw(flaw, work),
        Strategy::Proxy => proxy::with_flaw(flaw, work),
        Strategy::View => view::with_flaw(flaw, work),
        Strategy::Handover => handover::with_flaw(flaw, work),
        Strategy::Deferred => deferred::with_flaw(flaw, work),
        Strategy::Epoch => {
            let flawed: Vec<&str> = FLAWED.iter().map(|strategy| strategy.name()).collect();
            return Err(format!("the flaws are those of {}, not of {}", flawed.join(", "), strategy.name()));
        }
    })
}

/// `flawed! { Strategy; Flaw "name", … }`: a type for each flaw of a file's `Flaw`, and `with_flaw`, which goes from a flaw's
/// name to the file's `Faulty` strategy with that flaw.
macro_rules! flawed {
    ($strategy:ident; $($flaw:ident $name:literal),+ $(,)?) => {
        /// A type that stands for a flaw.
        pub(super) trait Broken: Send + Sync + 'static {
            /// Which.
            const FLAW: Flaw;
        }

        /// Does the work with the flaw of this name.
        pub(super) fn with_flaw<W: crate::engine::strategy::Work>(name: &str, work: W) -> W::Outcome {
            match name {
                $($name => work.with::<Faulty<flaws::$flaw>>(),)+
                _ => panic!("the strategy {} has no flaw {name}", crate::scenario::Strategy::$strategy.name()),
            }
        }

        mod flaws {
            $(pub(super) struct $flaw;
            impl super::Broken for $flaw {
                const FLAW: super::Flaw = super::Flaw::$flaw;
            })+
        }
    };
}

use flawed;

/// A message that is one reference, as in the strategies `shared`, `proxy` and `view`.
pub(super) struct Reference(ManuallyDrop<Buffer>);

impl Reference {
    fn new(buffer: Buffer) -> Self {
        Self(ManuallyDrop::new(buffer))
    }

    fn owner(&self) -> &Interpreter {
        self.0.owner()
    }

    fn into_buffer(self) -> Buffer {
        let mut reference = ManuallyDrop::new(self);
        // SAFETY: `reference` is not used again, nor dropped.
        unsafe { ManuallyDrop::take(&mut reference.0) }
    }

    fn into_parts(self) -> (Interpreter, Object) {
        self.into_buffer().into_parts()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // SAFETY: this is the drop.
        unsafe { ManuallyDrop::take(&mut self.0) }.give_back(Cause::ViewRelease);
    }
}
