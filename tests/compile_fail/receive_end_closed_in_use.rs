//! A receive end is not closed while somebody receives through it.

fn close(rx: viewchan::ReceiveEnd) {
    let mut messages = rx.iter();
    rx.close();
    let _ = messages.next();
}

fn main() {}
