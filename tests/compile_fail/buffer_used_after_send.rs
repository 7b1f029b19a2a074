//! Sending takes the handle.

fn send(tx: &viewchan::SendEnd, token: &viewchan::Attached<'_>, buffer: viewchan::Buffer) -> u8 {
    let _ = tx.send(token, buffer);
    buffer[0]
}

fn main() {}
