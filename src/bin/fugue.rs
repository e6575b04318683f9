//! The command line.

fn main() -> std::process::ExitCode {
    client::main()
}
