//! A frozen buffer is read-only, for its owner too (G2).

fn write(buffer: viewchan::Buffer) {
    buffer[0] = 1;
}

fn main() {}
