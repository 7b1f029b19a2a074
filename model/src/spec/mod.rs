//! The specification of viewchan, for each strategy: pure, executable, and small enough to explore completely.
//!
//! It has two layers that know nothing of each other:
//!
//! - the *protocol*: what each step of a thread does next, one atomic [`Action`] at a time. A [`Fault`] breaks it in
//!   one place;
//! - the *law*: what each [`Guarantee`] demands of every action, of every state and of the end, whatever the protocol
//!   wants. No fault changes it.
//!
//! [`explore()`] visits every state that the protocol can reach and holds it against the law. Engines that run real code
//! replay its events with [`Rules::step`] and hold them against both layers.
//!
//! # The rules, file by file
//!
//! | file | holds |
//! | --- | --- |
//! | `state`, `thread`, `operation` | what a [`State`] consists of |
//! | `code`, `program` | the protocol: from steps to plans of atomic actions. `program/sharing` is where the strategies differ |
//! | `wants`, `effect` | which action of the plan is next, and what it does |
//! | `life` | the end of an interpreter: the protocol |
//! | `law`, `row`, `invariant` | the law: of an action, of a state, of the end; `row` has the row of each strategy |
//! | `law_of_life` | the law of an interpreter's end |
//! | `slot`, `law_of_slots` | broadcast slots: what they consist of; their law. `program/epoch` is the protocol |
//! | `footprint` | which actions commute |
//! | `fault`, `broken`, `broken_life` | the faults: their list, and where they differ |
//! | `rules`, `report` | the operations on states; what they tell the outside world |
//! | `witness` | situations that must be reachable, so that no invariant holds for want of a chance to break |
//! | `explore` | breadth-first search |
//!
//! # Example
//!
//! ```
//! use viewchan_model::scenario::{Strategy, shipped};
//! use viewchan_model::spec::{Rules, explore};
//!
//! let scenario = shipped().into_iter().find(|scenario| scenario.name == "one-message").expect("it is shipped");
//! let exploration = explore(&Rules::new(&scenario, Strategy::View), None)?;
//! assert!(exploration.violation.is_none());
//! # Ok::<(), viewchan_model::spec::TooBig>(())
//! ```

mod action;
mod broken;
mod broken_life;
mod catalogue;
mod code;
mod effect;
mod explore;
mod fault;
mod footprint;
mod guarantee;
mod invariant;
mod law;
mod law_of_life;
mod law_of_slots;
mod life;
mod operation;
mod program;
mod report;
mod row;
mod rules;
mod slot;
mod state;
mod thread;
mod wants;
mod witness;

#[cfg(test)]
mod tests;

pub use action::{Action, Cause, Kind, Side, Why};
pub use explore::{Counterexample, Exploration, TooBig, explore};
pub use fault::Fault;
pub use footprint::{Footprint, Object};
pub use guarantee::{Guarantee, Refusal, Violation};
pub use operation::Operation;
pub use report::Reported;
pub use row::lawful_rows;
pub use rules::Rules;
pub use slot::SlotAct;
pub use state::State;
pub use witness::{Witness, Witnesses};
