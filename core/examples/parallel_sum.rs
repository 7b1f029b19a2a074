//! Four interpreters sum the rows of one matrix, which none of them owns and nobody copies.
//!
//! ```text
//! cargo run --release -p viewchan --example parallel_sum [ROWS COLUMNS]
//! ```
//!
//! The owner makes a matrix of doubles, 4096 × 2048 if not said otherwise, and sends it to four interpreters, each on a
//! thread of its own. Each takes every fourth row through slices of its view, and sums it in place. At the end, every
//! interpreter says how often its lock was acquired and why: the owner's, once for each view's creation and once for its
//! release, however many rows were cut out and read.

use std::process::ExitCode;
use std::thread;
use std::time::Instant;
use viewchan::channel::SendError;
use viewchan::{ArrayView, Interpreter, ReceiveEnd, Shaped, unbounded};

const WORKERS: usize = 4;
const SHAPE: [usize; 2] = [4096, 2048];

fn main() -> ExitCode {
    if viewchan::sync::BACKEND != "std" {
        eprintln!("parallel_sum: this build is for the model checker {}, not for running", viewchan::sync::BACKEND);
        return ExitCode::from(2);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let shape = match arguments.iter().map(|argument| argument.parse()).collect::<Result<Vec<usize>, _>>().as_deref() {
        Ok([]) => SHAPE,
        Ok(&[rows, columns]) => [rows, columns],
        _ => {
            eprintln!("usage: parallel_sum [ROWS COLUMNS]");
            return ExitCode::from(2);
        }
    };
    match run(shape) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("parallel_sum: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(shape: [usize; 2]) -> Result<(), String> {
    let [rows, columns] = shape;
    let too_large = || format!("a matrix of {rows} × {columns} is too large");
    let count = rows.checked_mul(columns).filter(|count| (*count).max(rows) <= 1 << 32).ok_or_else(too_large)?;
    let owner = Interpreter::new();
    let workers = [(); WORKERS].map(|()| Interpreter::new());
    let (send_ends, receive_ends): (Vec<_>, Vec<_>) = workers.iter().map(|_| unbounded()).unzip();

    // Whole numbers, so that the sums are exact in any order.
    let elements: Vec<f64> = (0..count).map(|place| (place % 1000) as f64).collect();
    let expected: Vec<f64> = (0..rows).map(|row| elements[row * columns..][..columns].iter().sum()).collect();

    owner.attach(|token| -> Result<(), String> {
        let matrix = Shaped::from_vec(token, elements, &shape).map_err(|refused| refused.to_string())?;
        println!("a matrix of {rows} × {columns} doubles, owned by one interpreter, goes to {WORKERS} others");
        for end in &send_ends {
            end.send(token, matrix.clone_ref(token)).map_err(|refused: SendError<_>| refused.to_string())?;
        }
        Ok(())
    })?;

    let start = Instant::now();
    let parts: Vec<Vec<f64>> = thread::scope(|scope| {
        let threads: Vec<_> = workers
            .iter()
            .zip(receive_ends)
            .enumerate()
            .map(|(first, (worker, end))| scope.spawn(move || worker.attach(|_| sum_rows(&end, first))))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker does not panic")).collect()
    });
    println!("summed in {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);

    for (row, expected) in expected.iter().enumerate() {
        let found = parts[row % WORKERS][row / WORKERS];
        if found != *expected {
            return Err(format!("row {row} sums to {found}, not to {expected}"));
        }
    }
    println!("all {rows} sums are those that the owner computed");

    println!("lock acquisitions:");
    println!("  owner     {}", owner.acquisitions());
    for (number, worker) in workers.iter().enumerate() {
        println!("  worker {number}  {}", worker.acquisitions());
    }
    Ok(())
}

/// Receives the matrix and sums every fourth of its rows, `matrix[first::4]`.
fn sum_rows(end: &ReceiveEnd, first: usize) -> Vec<f64> {
    let message = end.recv().expect("the owner has sent the matrix");
    let matrix: ArrayView = message.into_array().expect("the owner sends an array");
    let mine = matrix.step_axis(0, Some(first as isize), None, WORKERS as isize).expect("a matrix has rows");
    drop(matrix);
    let sum = |row| -> f64 {
        let row = mine.index_axis(0, row).expect("one of the rows");
        row.as_slice::<f64>().expect("a row of doubles is contiguous").iter().sum()
    };
    (0..mine.shape()[0]).map(sum).collect()
}
