//! A receive end cannot send (G9).

fn send(rx: &viewchan::ReceiveEnd, token: &viewchan::Attached<'_>, buffer: viewchan::Buffer) {
    let _ = rx.send(token, buffer);
}

fn main() {}
