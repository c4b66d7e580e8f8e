//! The lines at the bottom of a terminal that say what runs right now. Each frame is one write over the last one,
//! so nothing flickers; and the cursor, never hidden, rests where the board begins, so that whatever else is
//! written, or whoever ends us, finds the terminal as it was.

use std::collections::BTreeMap;

/// What is shown.
#[derive(Debug, Default)]
pub struct Board {
    /// How many actions there are.
    pub total: usize,
    /// How many have ended.
    pub ended: usize,
    /// How many of these the store had.
    pub cached: usize,
    /// How many may run at once.
    pub jobs: usize,
    /// What runs: since when, in milliseconds, and what it last said.
    pub running: BTreeMap<String, (u64, String)>,
    /// What is on the screen.
    shown: Option<Vec<String>>,
}

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

/// Takes away all from the cursor on ("Erase in Display", ECMA-48, 8.3.39), and the rest of a line (8.3.41).
const CLEAR: &str = "\u{1b}[J";
const CLEAR_LINE: &str = "\u{1b}[K";

impl Board {
    /// A board for so many actions, of which so many run at once.
    pub fn new(total: usize, jobs: usize) -> Self {
        Self { total, jobs, ..Self::default() }
    }

    /// What the board says at a time, in milliseconds: counts, then what has been running longest.
    fn lines(&self, now: u64, size: Size) -> Vec<String> {
        let from_store = match self.cached {
            0 => String::new(),
            cached => format!(", {cached} from the store"),
        };
        let counts = format!("[{}/{}] {} running", self.ended, self.total, self.running.len());
        let mut running: Vec<_> = self.running.iter().collect();
        running.sort_by_key(|(action, (since, _))| (*since, *action));
        // One row stays for the line where the cursor was.
        running.truncate(self.jobs.min(size.rows.saturating_sub(2)));
        let each = running.into_iter().map(|(action, (since, said))| {
            let seconds = now.saturating_sub(*since) / 1000;
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            format!("{:>12} {action} {seconds} s{said}", "")
        });
        let first = format!("{:>12} {counts}{from_store}", "Building");
        [first].into_iter().chain(each).map(|line| cut(&line, size.columns)).collect()
    }

    /// The bytes that put `above`, whole lines, before the board and draw it anew. Nothing is drawn while
    /// nothing has run, and nothing anew that is as it was.
    pub fn draw(&mut self, above: &str, now: u64, size: Size) -> String {
        let mut bytes = above.replace('\n', &format!("{CLEAR_LINE}\n"));
        let lines = self.lines(now, size);
        let has_begun = self.shown.is_some() || !self.running.is_empty();
        if !has_begun || above.is_empty() && self.shown.as_ref() == Some(&lines) {
            return bytes;
        }
        bytes += &lines.join(&format!("{CLEAR_LINE}\n"));
        bytes += CLEAR;
        // "Cursor Up" (ECMA-48, 8.3.22); 0 would count as 1.
        match lines.len() - 1 {
            0 => {}
            up => bytes += &format!("\u{1b}[{up}A"),
        }
        bytes.push('\r');
        self.shown = Some(lines);
        bytes
    }

    /// The bytes that take the board off the screen.
    pub fn clear(&mut self) -> &'static str {
        self.shown.take().map_or("", |_| CLEAR)
    }
}

/// As much of a line as has room, one column left: at the last some terminals begin a new line.
fn cut(line: &str, columns: usize) -> String {
    let mut left = columns.saturating_sub(1);
    let plain = line.chars().map(|c| if c.is_control() { '?' } else { c });
    // What is no ASCII may take two columns.
    let fits = plain.take_while(|c| {
        let width = if c.is_ascii() { 1 } else { 2 };
        let fits = left >= width;
        left = left.saturating_sub(width);
        fits
    });
    fits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { columns: 80, rows: 24 };

    fn board(running: &[(&str, u64, &str)]) -> Board {
        let running = running
            .iter()
            .map(|(action, since, said)| ((*action).to_owned(), (*since, (*said).to_owned())));
        Board { total: 9, ended: 2, jobs: 4, running: running.collect(), ..Board::default() }
    }

    #[test]
    fn the_longest_stands_first_and_no_more_than_there_is_room_for() {
        let mut board = board(&[
            ("b/firmware", 9_500, ""),
            ("a/firmware", 1_000, "31 crates, last \u{1b}[2Jcore"),
            ("c/account", 9_500, ""),
        ]);
        let all = [
            "    Building [2/9] 3 running",
            "             a/firmware 9 s: 31 crates, last ?[2Jcore",
            "             b/firmware 0 s",
            "             c/account 0 s",
        ];
        assert_eq!(board.lines(10_000, SIZE), all);
        for (jobs, rows, most) in [(2, 24, 3), (4, 3, 2), (4, 2, 1), (4, 0, 1)] {
            board.jobs = jobs;
            let size = Size { rows, ..SIZE };
            assert_eq!(board.lines(10_000, size), all[..most], "{jobs} jobs, {rows} rows");
        }
        for columns in [0, 1, 20, 21] {
            let size = Size { columns, ..SIZE };
            let expected = all.map(|line| line[..line.len().min(columns.max(1) - 1)].to_owned());
            board.jobs = 4;
            assert_eq!(board.lines(10_000, size), expected, "{columns} columns");
        }
        assert_eq!(cut("äöü", 6), "äö", "may be wide");
    }

    /// A terminal that knows what a board uses.
    fn screen(bytes: &str) -> (Vec<String>, usize) {
        let (mut lines, mut row, mut column) = (vec![Vec::new()], 0_usize, 0);
        let mut rest = bytes.chars();
        while let Some(c) = rest.next() {
            match c {
                '\r' => column = 0,
                '\n' => {
                    (row, column) = (row + 1, 0);
                    lines.resize(lines.len().max(row + 1), Vec::new());
                }
                '\u{1b}' => {
                    assert_eq!(rest.next(), Some('['));
                    let digits: String = rest.clone().take_while(char::is_ascii_digit).collect();
                    match rest.nth(digits.len()) {
                        Some('J') => {
                            lines.truncate(row + 1);
                            lines[row].truncate(column);
                        }
                        Some('K') => lines[row].truncate(column),
                        Some('A') => row -= digits.parse::<usize>().expect("a number"),
                        other => panic!("{other:?}"),
                    }
                }
                c => {
                    let line: &mut Vec<char> = &mut lines[row];
                    line.resize(line.len().max(column + 1), ' ');
                    line[column] = c;
                    column += 1;
                }
            }
        }
        (lines.into_iter().map(String::from_iter).collect(), row)
    }

    #[test]
    fn frames_lie_over_each_other_and_leave_nothing() {
        let mut board = board(&[]);
        assert_eq!(board.draw("", 0, SIZE), "", "nothing has run");
        let mut bytes = board.draw("first\n", 0, SIZE);
        for (at, actions) in [3, 1, 4, 0, 2].into_iter().enumerate() {
            let names = ["w", "x", "y", "z"].map(|name| format!("{name}/firmware"));
            let running = names.into_iter().take(actions).map(|name| (name, (0, "x".repeat(at))));
            board.running = running.collect();
            bytes += &board.draw("", 1000 * at as u64, SIZE);
            bytes += &board.draw(&format!("line {at}\n"), 1000 * at as u64, SIZE);
            assert_eq!(board.draw("", 1000 * at as u64, SIZE), "", "nothing is different");
            let (lines, row) = screen(&bytes);
            assert_eq!(row, at + 2, "{lines:?}");
            assert_eq!(lines[row..], board.lines(1000 * at as u64, SIZE));
        }
        bytes += board.clear();
        let expected = ["first", "line 0", "line 1", "line 2", "line 3", "line 4", ""];
        assert_eq!(screen(&bytes), (expected.map(str::to_owned).to_vec(), 6));
        assert_eq!(board.clear(), "");
    }
}
