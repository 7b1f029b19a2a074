//! What is wrong with a file, and where.

use thiserror::Error;
use toml::de::{DeTable, DeValue};

use super::words;

/// Why a scenario file is refused. Shown as `FILE:LINE: what is wrong; expected …`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {message}")]
pub struct ParseError {
    /// The file, as given to [`parse`](super::parse()).
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what was expected, on one line.
    pub message: String,
}

/// A [`ParseError`] that does not know its file yet.
#[derive(Debug)]
pub(super) struct Problem {
    /// The offset in the text.
    at: usize,
    message: String,
}

/// The result of a check.
pub(super) type Checked<T> = Result<T, Problem>;

impl Problem {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// What the TOML reader says, in the form of our own messages.
    pub(super) fn from_toml(text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message();
        if message.starts_with("missing field") {
            return Self::new(at, format!("{message}; expected it in this table"));
        }
        let message = message.replacen(", expected", "; expected", 1);
        if message.starts_with("unknown field") {
            let hint = slip(&message);
            return Self::new(at, message + &hint);
        }
        match key_at(text, at) {
            Some(key) => Self::new(at, format!("`{key}`: {message}")),
            None => Self::new(at, message),
        }
    }

    pub(super) fn in_file(self, file: &str, text: &str) -> ParseError {
        ParseError { file: file.to_owned(), line: line_of(text, self.at), message: one_line(&self.message) }
    }
}

/// The hint at the end of a message whose first name in backticks is wrong, and the others right.
fn slip(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next().unwrap_or_default();
    words::did_you_mean(wrong, &quoted.collect::<Vec<_>>())
}

/// The innermost key whose value stands at an offset. None if the text is no TOML.
fn key_at(text: &str, at: usize) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    key_in(table.get_ref(), at).map(str::to_owned)
}

fn key_in<'a>(table: &'a DeTable<'_>, at: usize) -> Option<&'a str> {
    table.iter().find_map(|(key, value)| {
        let here = || value.span().contains(&at).then(|| key.get_ref().as_ref());
        key_below(value.get_ref(), at).or_else(here)
    })
}

/// Looks into a value. The tables of `[[thread]]` are spread over the text: they are searched wherever they begin.
fn key_below<'a>(value: &'a DeValue<'_>, at: usize) -> Option<&'a str> {
    match value {
        DeValue::Table(table) => key_in(table, at),
        DeValue::Array(values) => values.iter().find_map(|value| key_below(value.get_ref(), at)),
        _ => None,
    }
}

/// The line that an offset stands on, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count()
}

/// The message may quote the file: no character of it may leave the line or drive a terminal.
fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for character in message.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}
