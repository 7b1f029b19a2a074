//! A view as the owner of `bytes::Bytes`: code that knows only `Bytes` reads another interpreter's memory.
//!
//! ```text
//! cargo run --example bytes_owner
//! ```

use bytes::Bytes;
use std::process::ExitCode;
use viewchan::{BufferMut, Interpreter, unbounded};

/// From a library that has never heard of interpreters: splits off the lines of a text, without a copy.
fn lines(mut text: Bytes) -> Vec<Bytes> {
    let mut lines = Vec::new();
    while let Some(end) = text.iter().position(|&byte| byte == b'\n') {
        lines.push(text.split_to(end));
        text = text.slice(1..);
    }
    lines.push(text);
    lines
}

fn main() -> ExitCode {
    if viewchan::sync::BACKEND != "std" {
        eprintln!("bytes_owner: this build is for the model checker {}, not for running", viewchan::sync::BACKEND);
        return ExitCode::from(2);
    }
    let [sender, receiver] = [(); 2].map(|()| Interpreter::new());
    let (tx, rx) = unbounded();

    sender.attach(|token| {
        let text = BufferMut::from(&b"Bytes in,\nread-only views out.\n\nNobody copies."[..]).freeze(token);
        println!("sent      {} bytes at {:p}", text.len(), text.as_ptr());
        tx.send(token, text).expect("the receive end exists");
    });

    receiver.attach(|_| {
        let message = rx.recv().expect("a message was sent");
        let text = Bytes::from_owner(message.into_view().expect("the message is a buffer"));
        println!("received  {} bytes at {:p}", text.len(), text.as_ptr());
        let lines = lines(text);
        for line in &lines {
            println!("          {:p} {:?}", line.as_ptr(), line);
        }
        println!("sender's lock, while the lines exist:  {}", sender.acquisitions());
        drop(lines);
        println!("sender's lock, after the last of them: {}", sender.acquisitions());
    });
    ExitCode::SUCCESS
}
