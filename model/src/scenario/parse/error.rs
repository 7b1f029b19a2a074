//! What is wrong with a file, and where.

use thiserror::Error;

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
    pub(super) fn from_toml(error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message();
        if message.starts_with("missing field") {
            return Self::new(at, format!("{message}; expected it in this table"));
        }
        Self::new(at, message.replacen(", expected", "; expected", 1))
    }

    pub(super) fn in_file(self, file: &str, text: &str) -> ParseError {
        ParseError { file: file.to_owned(), line: line_of(text, self.at), message: one_line(&self.message) }
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
