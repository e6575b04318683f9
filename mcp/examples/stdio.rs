//! `fugue mcp` as a program of its own: `cargo run -p fugue-mcp --example stdio -- [core|full] [server]`.

use fugue_mcp::{Options, serve_stdio};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args().skip(1);
    let tools = match arguments.next().as_deref().unwrap_or("full").parse() {
        Ok(tools) => tools,
        Err(error) => return failed(&error),
    };
    match serve_stdio(Options {
        tools,
        server: arguments.next(),
    })
    .await
    {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> std::process::ExitCode {
    eprintln!("{error}");
    std::process::ExitCode::FAILURE
}
