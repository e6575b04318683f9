//! What agents get over MCP: the tools as they are called, with real programs behind them.

mod examples;
mod layout;
mod life;
mod names;
mod resources;
mod text;
mod waiting;
