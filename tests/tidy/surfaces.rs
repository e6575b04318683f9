//! The names of tools in messages: always behind what people type for it, so that each surface can leave the other's out.

use super::{before_comment, none, root};

/// The tools, as the documents list them.
fn tools() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/mcp.md")).expect("docs/mcp.md");
    let rows = text.lines().filter(|line| line.starts_with("| `fugue_"));
    let names = rows.flat_map(|line| {
        let first = line.split('|').nth(1).unwrap_or_default();
        let names = first.split('`').filter(|word| word.starts_with("fugue_"));
        names.map(str::to_owned).collect::<Vec<_>>()
    });
    names.collect()
}

#[test]
fn messages_name_tools_only_beside_commands() {
    let tools = tools();
    assert!(tools.len() > 20, "{tools:?}");
    none(
        "a tool stands in a message as `fugue command` or fugue_tool",
        |file| {
            let people = ["actors/", "protocol/", "client/", "supervisor/"];
            if file.is_test || !people.iter().any(|part| file.path.starts_with(part)) {
                return Vec::new();
            }
            let lines = file
                .text
                .lines()
                .map(before_comment)
                .take_while(|line| !line.contains("mod tests {"));
            let alone = |line: &&str| {
                tools.iter().any(|tool| {
                    let joined = format!("` or {tool}");
                    line.matches(tool.as_str()).count() > line.matches(joined.as_str()).count()
                })
            };
            lines.filter(alone).map(str::to_owned).collect()
        },
    );
    none("a tool's message names no command", |file| {
        let messages = file.path.starts_with("mcp/src/") && !file.is_test;
        let lines = file.text.lines().map(before_comment).filter(|_| messages);
        let commands =
            lines.filter(|line| line.contains("`fugue ") && !line.contains("`fugue mcp`"));
        commands.map(str::to_owned).collect()
    });
}
