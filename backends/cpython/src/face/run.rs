//! Running code in another interpreter, with channel ends as its only luggage. What is run and how it ends is Python's
//! business: `viewchan/_run.py`, on both sides.

use super::claim::Claim;
use super::entry::Context;
use super::{Error, module};
use crate::py::{Args, Attached, Builtin, Owned, Raised, Ref, Result};
use crate::runtime::registry::{self, Found};
use crate::runtime::{self, Python};
use core::cell::Cell;
use viewchan::runtime::Ended;

/// What goes there.
struct Luggage {
    kind: String,
    work: Vec<u8>,
    ends: Vec<(String, Claim)>,
}

impl<'p> Context<'p> {
    /// `_run(interp, kind, work, names, ends)`: what `viewchan._run.execute(kind, work, {name: end})` returns over
    /// there.
    pub(super) fn run(&self, args: Args<'p>) -> Result<Owned<'p>> {
        let [interp, kind, work, names, ends] = args.bind("_run", ["interp", "kind", "work", "names", "ends"], 5)?;
        let [kind, work, names, ends] = [kind, work, names, ends].map(|arg| arg.expect("required"));
        let Found::Handle(python) = self.find(interp)? else {
            return Err(self.raise(Error::OwnerEnded, "the interpreter has ended: nothing was run"));
        };
        let claims = names.items().into_iter().zip(ends.items());
        let claims = claims.map(|(name, end)| Ok((name.to_text()?, self.claim(end)?)));
        let luggage =
            Luggage { kind: kind.to_text()?, work: work.bytes().to_vec(), ends: claims.collect::<Result<_>>()? };
        let Some(_deeper) = Depth::deeper() else {
            let message = format!("run is nested more than {} deep", Depth::MOST);
            return Err(self.attached.raise_builtin(Builtin::Recursion, &message));
        };
        match runtime::run(&python, |_| over_there(&python, luggage)) {
            Ok(Ok(reply)) => self.attached.bytes(&reply),
            Ok(Err(text)) => Err(self.raise(Error::RunFailed, &text)),
            Err(Ended) => Err(self.raise(Error::OwnerEnded, "the interpreter is ending or has ended: nothing was run")),
        }
    }

    /// The interpreter that an argument names: by its id, by an object that has one, or by nothing for the present one.
    pub(super) fn find(&self, interp: Option<Ref<'p>>) -> Result<Found> {
        let Some(interp) = interp.filter(|interp| !interp.is_none()) else {
            return Ok(Found::Handle(self.home().clone()));
        };
        let id = interp.attribute_if_any(c"id")?;
        let id = id.as_ref().map_or(interp, Owned::get).to_index()?;
        u64::try_from(id).ok().and_then(registry::find).ok_or_else(|| {
            let message = format!("no interpreter {id} has ever imported viewchan");
            self.attached.raise_builtin(Builtin::Value, &message)
        })
    }
}

/// How deep runs are nested on a thread. Each has a thread state of its own, so CPython does not see how much of the stack is
/// used: with the limit, a run within a run within a run ends with an exception.
struct Depth;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

impl Depth {
    const MOST: usize = 50;

    /// One more, until it is dropped.
    fn deeper() -> Option<Self> {
        let depth = DEPTH.get();
        (depth < Self::MOST).then(|| {
            DEPTH.set(depth + 1);
            Self
        })
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Runs what has arrived. The text of an exception that nobody has caught over there.
fn over_there(python: &Python, luggage: Luggage) -> core::result::Result<Vec<u8>, String> {
    // SAFETY: `run` has attached the thread, until this returns.
    let attached = unsafe { Attached::assume() };
    let run = |context: &Context<'_>| {
        let Luggage { kind, work, ends } = luggage;
        let arrived = attached.dict()?;
        for (name, claim) in ends {
            arrived.get().set_item(&attached.str(&name)?, &context.arrive(claim)?)?;
        }
        let execute = attached.import(c"viewchan._run")?.get().attribute(c"execute")?;
        let arguments = attached.tuple([attached.str(&kind)?, attached.bytes(&work)?, arrived])?;
        Ok(execute.get().call(&arguments, None)?.get().bytes().to_vec())
    };
    // SAFETY: as above.
    unsafe { module::in_present(attached, python, run) }.map_err(|Raised| attached.take_text())
}
