//! There is one receive end a channel: a circle of ends in flight can be seen by where it is (G9).

fn clone(rx: &viewchan::ReceiveEnd) -> viewchan::ReceiveEnd {
    rx.clone()
}

fn main() {}
