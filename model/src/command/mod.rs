//! The subcommands, a file each. Each returns the exit status, or the text of an error for exit status 2.

pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod job;
pub(crate) mod list;
pub(crate) mod vectors;

use std::io::{ErrorKind, Write};

/// Prints a long text. A reader that has seen enough of it, such as `head`, is no error.
fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot print: {error}")),
        _ => Ok(()),
    }
}
