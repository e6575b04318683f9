//! What agents get over MCP: the tools as they are called, with real programs behind them.

mod layout;
mod names;
mod resources;
mod text;
mod waiting;
