//! What a process tells its init: single bytes through a pipe, and at its end a reason in words.

/// The longest reason that is passed on, in bytes.
pub const MAX_REASON: usize = 200;

/// What a process tells its init.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is confined and about to run.
    Started,
    /// It does what others wait for.
    Ready,
    /// It works as intended.
    Alive,
}

/// The byte after which all that follows is the reason of the end.
pub(crate) const REASON: u8 = b'!';

impl Word {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Started => b's',
            Self::Ready => b'r',
            Self::Alive => b'.',
        }
    }
}

/// Init's end: hears words in whatever pieces they arrive.
#[derive(Debug, Default)]
pub struct Ear {
    reason: Option<Vec<u8>>,
}

impl Ear {
    /// Hears what was read from the pipe. A process that means ill can send anything: what is no
    /// word is passed over, and the reason is cut.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<Word> {
        let mut words = Vec::new();
        for &byte in bytes {
            if let Some(reason) = &mut self.reason {
                if reason.len() < MAX_REASON {
                    reason.push(byte);
                }
                continue;
            }
            match byte {
                b's' => words.push(Word::Started),
                b'r' => words.push(Word::Ready),
                b'.' => words.push(Word::Alive),
                REASON => self.reason = Some(Vec::new()),
                _ => {}
            }
        }
        words
    }

    /// The reason that the process gave for its end.
    pub fn reason(self) -> Option<String> {
        self.reason.map(|reason| String::from_utf8_lossy(&reason).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_then_a_reason_in_any_pieces() {
        let sent = b"s?r.!read x: r.!";
        for cut in 0..=sent.len() {
            let mut ear = Ear::default();
            let mut words = ear.hear(&sent[..cut]);
            words.extend(ear.hear(&sent[cut..]));
            assert_eq!(words, [Word::Started, Word::Ready, Word::Alive]);
            assert_eq!(ear.reason().as_deref(), Some("read x: r.!"));
        }
        for word in [Word::Started, Word::Ready, Word::Alive] {
            assert_eq!(Ear::default().hear(&[word.byte()]), [word]);
        }
    }

    #[test]
    fn a_reason_is_cut() {
        let mut ear = Ear::default();
        ear.hear(b"!");
        for _ in 0..100 {
            assert!(ear.hear(&[0xff; 100]).is_empty());
        }
        assert_eq!(ear.reason().map(|reason| reason.chars().count()), Some(MAX_REASON));
    }
}
