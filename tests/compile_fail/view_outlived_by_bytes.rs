//! Bytes are borrowed from the view that they were read through: they do not outlive it (G3).

fn read(view: viewchan::View) -> u8 {
    let bytes = &view[1..];
    view.release();
    bytes[0]
}

fn main() {}
