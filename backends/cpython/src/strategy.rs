//! A channel's strategy, chosen by name when the channel is made: dispatch to the core's strategies, and nothing else.
//!
//! Channels of all strategies have one type in Python, and their ends travel through each other.

use crate::runtime::Python;
use core::fmt;
use viewchan::runtime::Ended;
use viewchan::strategy::{Deferred, Handover, Proxy, Shared, Strategy as Protocol, View};
use viewchan::{Buffer, Runtime};

/// Which of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// [`View`]
    #[default]
    View,
    /// [`Handover`]
    Handover,
    /// [`Deferred`]
    Deferred,
    /// [`Proxy`]
    Proxy,
    /// [`Shared`]
    Shared,
}

impl Strategy {
    pub(crate) const ALL: [Self; 5] = [Self::View, Self::Handover, Self::Deferred, Self::Proxy, Self::Shared];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Handover => "handover",
            Self::Deferred => "deferred",
            Self::Proxy => "proxy",
            Self::Shared => "shared",
        }
    }
}

/// The strategy that was chosen.
#[derive(Debug)]
pub enum Any {}

macro_rules! any {
    ($($strategy:ident),*) => {
        /// A message under the strategy that was chosen.
        pub enum Message {
            $(#[doc = stringify!($strategy)] $strategy(<$strategy as Protocol<Python>>::Message),)*
        }

        /// What a view holds, likewise.
        pub enum Pin {
            $(#[doc = stringify!($strategy)] $strategy(<$strategy as Protocol<Python>>::Pin),)*
        }

        impl Protocol<Python> for Any {
            type Message = Message;
            type Pin = Pin;
            type Choice = Strategy;

            fn pin(choice: Strategy, token: &<Python as Runtime>::Token<'_>, buffer: Buffer<Python>) -> Message {
                // `deferred` collects here.
                token.python().guarded(|| match choice {
                    $(Strategy::$strategy => Message::$strategy($strategy::pin((), token, buffer)),)*
                })
            }

            fn owner(message: &Message) -> &Python {
                match message {
                    $(Message::$strategy(message) => $strategy::owner(message),)*
                }
            }

            fn withdraw(token: &<Python as Runtime>::Token<'_>, message: Message) -> Buffer<Python> {
                token.python().guarded(|| match message {
                    $(Message::$strategy(message) => $strategy::withdraw(token, message),)*
                })
            }

            fn open(message: Message, home: Option<&Python>) -> Result<Pin, Ended> {
                match message {
                    $(Message::$strategy(message) => $strategy::open(message, home).map(Pin::$strategy),)*
                }
            }
        }

        impl Clone for Pin {
            fn clone(&self) -> Self {
                match self {
                    $(Self::$strategy(pin) => Self::$strategy(pin.clone()),)*
                }
            }
        }

        impl AsRef<[u8]> for Pin {
            fn as_ref(&self) -> &[u8] {
                match self {
                    $(Self::$strategy(pin) => pin.as_ref(),)*
                }
            }
        }
    };
}

any!(View, Handover, Deferred, Proxy, Shared);

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
