//! Four interpreters hash the parts of one file, which none of them owns and nobody copies.
//!
//! ```text
//! cargo run --release --example parallel_hash [FILE]
//! ```
//!
//! The owner maps FILE (or makes 64 MiB of pseudo-random bytes) and sends it to four interpreters, each on a thread of its
//! own. Each hashes its part through a slice of its view. At the end, every interpreter says how often its lock was
//! acquired and why: the owner's, once for each view's creation and once for its release, however much was read.

use memmap2::Mmap;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use viewchan::channel::SendError;
use viewchan::{Attached, Buffer, BufferMut, Interpreter, ReceiveEnd, View, unbounded};

const WORKERS: usize = 4;
const GENERATED_MIB: usize = 64;

type Hash = [u8; 32];

fn main() -> ExitCode {
    if viewchan::sync::BACKEND != "std" {
        eprintln!("parallel_hash: this build is for the model checker {}, not for running", viewchan::sync::BACKEND);
        return ExitCode::from(2);
    }
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next().map(PathBuf::from);
    if arguments.next().is_some() {
        eprintln!("usage: parallel_hash [FILE]");
        return ExitCode::from(2);
    }
    match run(path.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("parallel_hash: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: Option<&Path>) -> Result<(), String> {
    let owner = Interpreter::new();
    let workers = [(); WORKERS].map(|()| Interpreter::new());
    let (send_ends, receive_ends): (Vec<_>, Vec<_>) = workers.iter().map(|_| unbounded()).unzip();

    let file = owner.attach(|token| -> Result<Buffer, String> {
        let file = match path {
            Some(path) => Buffer::from_owner(token, map(path)?),
            None => generate(token),
        };
        println!("{} bytes at {:p}, owned by one interpreter, go to {WORKERS} others", file.len(), file.as_ptr());
        for end in &send_ends {
            end.send(token, file.clone_ref(token)).map_err(|refused: SendError<_>| refused.to_string())?;
        }
        Ok(file)
    })?;

    let parts = parts(file.len());
    let hashes: Vec<Hash> = thread::scope(|scope| {
        let threads: Vec<_> = workers
            .iter()
            .zip(receive_ends)
            .zip(&parts)
            .map(|((worker, end), part)| scope.spawn(move || worker.attach(|_| hash_part(&end, part.clone()))))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker does not panic")).collect()
    });

    for (part, hash) in parts.into_iter().zip(hashes) {
        println!("sha256 {} of bytes {part:?}", hex(&hash));
        if hash != sha256(&file[part.clone()]) {
            return Err(format!("bytes {part:?} have another digest when the owner reads them"));
        }
    }
    println!("the owner computes the same digests");

    println!("lock acquisitions:");
    println!("  owner     {}", owner.acquisitions());
    for (number, worker) in workers.iter().enumerate() {
        println!("  worker {number}  {}", worker.acquisitions());
    }
    Ok(())
}

/// Maps a file into memory.
fn map(path: &Path) -> Result<Mmap, String> {
    let explain = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(explain)?;
    let metadata = file.metadata().map_err(explain)?;
    if !metadata.is_file() {
        return Err(format!("{}: not a regular file", path.display()));
    }
    if metadata.len() == 0 {
        return Err(format!("{}: the file is empty, so there is nothing to hash", path.display()));
    }
    // SAFETY: the mapping is private to this process and only read. That no other process changes or truncates the file
    // meanwhile is the user's to see to: nobody can promise it for a file.
    unsafe { Mmap::map(&file) }.map_err(explain)
}

/// Fills a buffer in place by a xorshift generator, and freezes it.
fn generate(token: &Attached<'_>) -> Buffer {
    println!("no file given: {GENERATED_MIB} MiB of pseudo-random bytes are made");
    let mut bytes = BufferMut::zeroed(GENERATED_MIB << 20);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for chunk in bytes.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    bytes.freeze(token)
}

/// What each worker hashes: nearly equal ranges, one after the other.
fn parts(len: usize) -> [Range<usize>; WORKERS] {
    let step = len.div_ceil(WORKERS);
    std::array::from_fn(|part| (part * step).min(len)..((part + 1) * step).min(len))
}

/// Receives the file and hashes a part of it.
fn hash_part(end: &ReceiveEnd, part: Range<usize>) -> Hash {
    let message = end.recv().expect("the owner has sent the file");
    let file: View = message.into_view().expect("the owner sends a buffer");
    let part = file.slice(part);
    drop(file);
    sha256(&part)
}

fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
