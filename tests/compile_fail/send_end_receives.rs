//! A send end cannot receive (G9).

fn receive(tx: &viewchan::SendEnd) {
    let _ = tx.recv();
}

fn main() {}
