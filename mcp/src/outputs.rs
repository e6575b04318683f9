//! The outputs of a run's commands, cut so that together they are what an answer may have.

use protocol::reply::CommandResult;

use crate::page::ANSWER_BYTES;

/// Cuts the longest outputs at their beginning, to whole lines where there are some. What is left begins with a line that says
/// how much is missing.
pub(crate) fn fit(commands: &mut [CommandResult]) {
    let texts = |command: &CommandResult| {
        let texts = [&command.output, &command.stderr];
        texts.map(|text| text.as_ref().map(String::len))
    };
    let lengths = commands.iter().flat_map(texts).flatten();
    let share = share(lengths.collect());
    for command in commands {
        command.omitted_bytes += cut(&mut command.output, share);
        command.stderr_omitted_bytes += cut(&mut command.stderr, share);
    }
}

/// Cuts a text that is longer than its share; says by how many bytes.
fn cut(text: &mut Option<String>, share: usize) -> u64 {
    let Some(text) = text.as_mut().filter(|text| text.len() > share) else {
        return 0;
    };
    let from = text.ceil_char_boundary(text.len() - share);
    let line = text[from..].find('\n').map(|at| from + at + 1);
    let from = line.filter(|at| *at < text.len()).unwrap_or(from);
    *text = format!("[{from} bytes are left out here]\n{}", &text[from..]);
    from as u64
}

/// The length that each may have, so that short ones leave their room to the others.
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
