//! The `windlass` command: arguments in, one of the commands, an exit code out. A library so that the Python package
//! brings the same command.

mod args;
mod command;
mod output;
mod progress;
mod rows;
mod signals;

use std::ffi::OsString;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use self::args::Args;
use self::output::Output;
use self::signals::Signals;

/// Runs the command that the arguments name, the program's name first; gives the exit code.
///
/// Arguments that are wrong, and those that ask for help, end the process.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let args = Args::parse_from(arguments);
    start_logging(args.verbose);
    let output = Output::new(args.json);
    let signals = Signals::default();
    let result = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|cause| windlass::core::Error::internal("the runtime cannot be started").with_source(cause))
        .and_then(|runtime| {
            let result = runtime.block_on(command::run(args, &output, &signals));
            // Threads that still read a closed connection or wait for a device must not hold the exit.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(exit) => exit.code(),
        Err(error) => {
            output.error(&error);
            output::Exit::of(&error, &signals).code()
        }
    }
}

/// Logs go to stderr when they are asked for by `-v` or `WINDLASS_LOG`.
fn start_logging(verbose: u8) {
    let by_flag = match verbose {
        0 => None,
        1 => Some("info"),
        2 => Some("debug"),
        _ => Some("trace"),
    };
    let filter = match (by_flag, std::env::var("WINDLASS_LOG")) {
        // What libraries log of requests may hold secrets.
        (Some(level), _) => {
            EnvFilter::new(format!("warn,windlass={level},windlass_core={level},windlass_cli={level}"))
        }
        (None, Ok(filter)) if !filter.is_empty() => EnvFilter::new(filter),
        _ => {
            // What a run waits for is told to everybody.
            let waits = tracing_subscriber::fmt()
                .with_env_filter(EnvFilter::new("off,windlass::waiting=warn"))
                .with_writer(|| output::MaskedStderr)
                .with_ansi(false)
                .without_time()
                .with_target(false);
            // A program that calls this may log by itself.
            return drop(waits.try_init());
        }
    };
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| output::MaskedStderr)
        .with_ansi(output::stderr_has_colour());
    drop(logs.try_init());
}
