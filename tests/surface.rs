//! What agents get over MCP: the tools as they are called, with real programs behind them.

mod answers;
mod echo;
mod examples;
mod layout;
mod life;
mod names;
mod resources;
mod shells;
mod text;
mod waiting;
