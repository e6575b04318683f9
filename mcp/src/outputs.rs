//! The outputs of a run's commands, cut so that together they are what an answer may have.

use protocol::reply::CommandResult;

use crate::page::ANSWER_BYTES;

/// Cuts the longest outputs at their beginning, to whole lines where there are some. What is left begins with a line that says
/// how much is missing.
pub(crate) fn fit(commands: &mut [CommandResult]) {
    let lengths = commands
        .iter()
        .filter_map(|command| command.output.as_ref());
    let share = share(lengths.map(String::len).collect());
    for command in commands {
        let Some(output) = command
            .output
            .as_mut()
            .filter(|output| output.len() > share)
        else {
            continue;
        };
        let from = output.ceil_char_boundary(output.len() - share);
        let line = output[from..].find('\n').map(|at| from + at + 1);
        let from = line.filter(|at| *at < output.len()).unwrap_or(from);
        *output = format!("[{from} bytes are left out here]\n{}", &output[from..]);
        command.omitted_bytes += from as u64;
    }
}

/// How long each may be, so that short ones leave their room to the others.
fn share(mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    let (mut room, mut left) = (ANSWER_BYTES, lengths.len());
    for length in lengths {
        let share = room / left;
        if length > share {
            return share;
        }
        room -= length;
        left -= 1;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_outputs_leave_their_room_to_long_ones() {
        assert_eq!(share(vec![]), usize::MAX);
        assert_eq!(share(vec![100, 200]), usize::MAX);
        assert_eq!(share(vec![ANSWER_BYTES]), usize::MAX);
        assert_eq!(share(vec![100_000]), ANSWER_BYTES);
        assert_eq!(share(vec![384, 100_000, 100_000]), (ANSWER_BYTES - 384) / 2);
        assert_eq!(share(vec![100_000; 8]), ANSWER_BYTES / 8);
    }
}
