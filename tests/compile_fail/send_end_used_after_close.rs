//! Closing takes the end.

fn send(tx: viewchan::SendEnd, token: &viewchan::Attached<'_>, buffer: viewchan::Buffer) {
    tx.close();
    let _ = tx.send(token, buffer);
}

fn main() {}
