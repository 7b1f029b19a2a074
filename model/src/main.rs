//! The `viewchan` command.

mod command;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Checks the viewchan protocol: the specification, the real code, and that the checks can fail.
#[derive(Parser)]
#[command(
    name = "viewchan",
    version,
    after_help = "Exit status: 0 if everything holds, 1 if something is violated, 2 for bad input."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(command::check::Arguments),
    Merge(command::merge::Arguments),
    List(command::list::Arguments),
    Explain(command::explain::Arguments),
    Vectors(command::vectors::Arguments),
    Strategies(command::strategies::Arguments),
    Litmus(command::litmus::Arguments),
    Generate(command::generate::Arguments),
    Soak(command::soak::Arguments),
    #[command(hide = true)]
    Batch(command::batch::Arguments),
    #[command(hide = true)]
    Job(command::job::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Check(arguments) => command::check::run(&arguments),
        Command::Merge(arguments) => command::merge::run(&arguments),
        Command::List(arguments) => command::list::run(&arguments),
        Command::Explain(arguments) => command::explain::run(&arguments),
        Command::Vectors(arguments) => command::vectors::run(&arguments),
        Command::Strategies(arguments) => command::strategies::run(&arguments),
        Command::Litmus(arguments) => command::litmus::run(&arguments),
        Command::Generate(arguments) => command::generate::run(&arguments),
        Command::Soak(arguments) => command::soak::run(&arguments),
        Command::Batch(arguments) => command::batch::run(&arguments),
        Command::Job(arguments) => command::job::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}
