//! From a strategy's name to its code: the one place where this package lists the strategies that the core has.

use crate::scenario::Strategy;
use viewchan::{Interpreter, strategy};

/// Something to do with the type of a strategy, once it is known which.
pub(crate) trait Work {
    /// What comes of it.
    type Outcome;

    /// Does it with `S`, which is, or is to behave as, the strategy.
    fn with<S: strategy::Strategy<Interpreter>>(self) -> Self::Outcome;
}

/// Does the work with `S` as the type that implements the strategy. `Err(strategy)` if this build has not got it.
macro_rules! match_strategy {
    ($strategy:expr, $S:ident => $work:expr) => {
        match $strategy {
            // A line for each strategy of the core.
            $crate::scenario::Strategy::Shared => {
                $crate::engine::strategy::with_type!(viewchan::strategy::Shared, $S, $work)
            }
            $crate::scenario::Strategy::Proxy => {
                $crate::engine::strategy::with_type!(viewchan::strategy::Proxy, $S, $work)
            }
            $crate::scenario::Strategy::View => {
                $crate::engine::strategy::with_type!(viewchan::strategy::View, $S, $work)
            }
            $crate::scenario::Strategy::Handover => {
                $crate::engine::strategy::with_type!(viewchan::strategy::Handover, $S, $work)
            }
            $crate::scenario::Strategy::Deferred => {
                $crate::engine::strategy::with_type!(viewchan::strategy::Deferred, $S, $work)
            }
            // Its scenarios have no channel: no type of a channel's is used.
            $crate::scenario::Strategy::Epoch => {
                $crate::engine::strategy::with_type!(viewchan::strategy::Deferred, $S, $work)
            }
        }
    };
}

/// One line of `match_strategy`.
macro_rules! with_type {
    ($type:ty, $S:ident, $work:expr) => {{
        #[allow(dead_code, reason = "whether there is such a strategy can be asked without using it")]
        type $S = $type;
        Ok::<_, $crate::scenario::Strategy>($work)
    }};
}

/// `with_strategy!(strategy, S => work)`: does the work with `S` as the type that implements the strategy.
///
/// The value is a `Result`: an error, for a person, if this build has not got the strategy.
macro_rules! with_strategy {
    ($strategy:expr, $S:ident => $work:expr) => {
        $crate::engine::strategy::match_strategy!($strategy, $S => $work).map_err($crate::engine::strategy::missing)
    };
}

pub(crate) use {match_strategy, with_strategy, with_type};

/// The strategies of this build, in the order of [`Strategy::ALL`].
pub fn available() -> Vec<Strategy> {
    let is_available = |strategy: &Strategy| match_strategy!(*strategy, S => ()).is_ok();
    Strategy::ALL.into_iter().filter(is_available).collect()
}

/// The message about a strategy that this build has not got.
pub(crate) fn missing(strategy: Strategy) -> String {
    let available: Vec<&str> = available().into_iter().map(Strategy::name).collect();
    format!("this build has no strategy {}: it has {}", strategy.name(), available.join(", "))
}

/// On the command line a strategy has its name.
impl clap::ValueEnum for Strategy {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(self.name().into())
    }
}

#[cfg(test)]
mod tests {
    use super::{available, missing};
    use crate::scenario::Strategy;

    #[test]
    fn the_default_is_there_and_what_is_missing_is_named() {
        assert!(available().contains(&Strategy::View));
        let missing_ones = Strategy::ALL.into_iter().filter(|strategy| !available().contains(strategy));
        for strategy in missing_ones {
            let says = format!("this build has no strategy {}: it has ", strategy.name());
            assert!(missing(strategy).starts_with(&says));
            assert_eq!(with_strategy!(strategy, S => ()), Err(missing(strategy)));
        }
    }
}
