//! The variables of one thread while its steps are read, and what each may hold.

use std::fmt;

use super::words;
use crate::scenario::{Interpreter, Variable};

/// A set of kinds of things that a variable may hold. The empty set: it certainly holds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NOTHING: Self = Self(0);
    pub(super) const HANDLE: Self = Self(1);
    pub(super) const VIEW: Self = Self(1 << 1);
    pub(super) const SEND_END: Self = Self(1 << 2);
    pub(super) const RECEIVE_END: Self = Self(1 << 3);
    pub(super) const PUBLISHER: Self = Self(1 << 4);
    pub(super) const SUBSCRIBER: Self = Self(1 << 5);
    pub(super) const READING: Self = Self(1 << 6);
    pub(super) const END: Self = Self::SEND_END.or(Self::RECEIVE_END);
    pub(super) const SENDABLE: Self = Self::HANDLE.or(Self::END);
    pub(super) const RECEIVED: Self = Self::VIEW.or(Self::END);
    pub(super) const COPIABLE: Self = Self::HANDLE.or(Self::SEND_END).or(Self::SUBSCRIBER);
    pub(super) const READABLE: Self = Self::HANDLE.or(Self::VIEW).or(Self::READING);
    pub(super) const RELEASABLE: Self = Self::VIEW.or(Self::READING);
    pub(super) const ANY: Self = Self::SENDABLE.or(Self::RELEASABLE).or(Self::PUBLISHER).or(Self::SUBSCRIBER);

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (Self::HANDLE, "a buffer handle"),
            (Self::VIEW, "a view"),
            (Self::SEND_END, "a send end"),
            (Self::RECEIVE_END, "a receive end"),
            (Self::PUBLISHER, "a publisher"),
            (Self::SUBSCRIBER, "a subscriber"),
            (Self::READING, "a reading"),
        ];
        let present = kinds.iter().filter(|&&(kind, _)| self.and(kind) != Self::NOTHING);
        let words: Vec<&str> = present.map(|&(_, words)| words).collect();
        match words.split_last() {
            None => f.write_str("nothing any more"),
            Some((last, [])) => f.write_str(last),
            Some((last, others)) => write!(f, "{} or {last}", others.join(", ")),
        }
    }
}

/// What is known about a variable at the step that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    /// What it may hold.
    pub(super) kinds: Kinds,
    /// The buffer's owner, if it may hold a handle. Handles do not travel, so that the owner is always known.
    pub(super) owner: Option<Interpreter>,
}

impl From<Kinds> for Content {
    fn from(kinds: Kinds) -> Self {
        Self { kinds, owner: None }
    }
}

/// The variables so far, in the order of [`ThreadDecl::variables`](crate::scenario::ThreadDecl::variables).
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: Vec<String>,
    contents: Vec<Content>,
}

impl Scope {
    /// A variable that is held from the start. The caller has checked that the name is new.
    pub(super) fn hold(&mut self, name: &str, content: Content) {
        self.names.push(name.to_owned());
        self.contents.push(content);
    }

    /// A variable that a step introduces: each name once in a thread, so that a step never meets a target that is in
    /// use.
    pub(super) fn introduce(&mut self, name: &str, content: impl Into<Content>) -> Result<Variable, String> {
        words::check_name("a variable", name)?;
        if self.names.iter().any(|known| known == name) {
            return Err(format!("`{name}` is introduced twice; expected a name that is new in this thread"));
        }
        self.hold(name, content.into());
        Ok(self.names.len() - 1)
    }

    /// A variable that must be able to hold one of `expected` here.
    pub(super) fn find(&self, name: &str, expected: Kinds) -> Result<Variable, String> {
        let variable = words::find("variable", name, self.names.iter().map(String::as_str)).map_err(|message| {
            // No step introduces a name with a dot.
            let hint = if name.contains('.') { " (what a thread has at the start stands in its `holds`)" } else { "" };
            message + hint
        })?;
        let kinds = self.contents[variable].kinds;
        if kinds.and(expected) == Kinds::NOTHING {
            return Err(format!("`{name}` holds {kinds}; expected {expected}"));
        }
        Ok(variable)
    }

    /// As [`find`](Self::find), for a step that takes away whatever of `taken` the variable holds.
    pub(super) fn take(&mut self, name: &str, taken: Kinds) -> Result<Variable, String> {
        let variable = self.find(name, taken)?;
        let content = &mut self.contents[variable];
        content.kinds = content.kinds.without(taken);
        Ok(variable)
    }

    /// What is known about a variable.
    pub(super) fn content(&self, variable: Variable) -> Content {
        self.contents[variable]
    }

    /// The names of all variables.
    pub(super) fn into_names(self) -> Vec<String> {
        self.names
    }
}
