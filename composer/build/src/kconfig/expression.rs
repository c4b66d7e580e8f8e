//! Expressions of Kconfig files (Documentation/kbuild/kconfig-language.rst, "Menu dependencies"), and
//! which of their parts keep them from being true.

use super::check::Configuration;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A symbol, a constant or a text, as it is written; texts keep their quotes.
    Word(String),
    /// The first comparison is `=`, `!=`, `<`, `<=`, `>` or `>=`.
    Compare(&'static str, String, String),
    /// `!`.
    Not(Box<Self>),
    /// All of them.
    And(Vec<Self>),
    /// One of them.
    Or(Vec<Self>),
}

/// How true something is: `n`, `m`, `y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// Not at all.
    No,
    /// As a module.
    Module,
    /// Wholly.
    Yes,
}

const COMPARISONS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];

impl Expression {
    /// Reads an expression; none for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut tokens = tokens(text);
        tokens.reverse();
        let parsed = or(&mut tokens)?;
        tokens.is_empty().then_some(parsed)
    }

    /// How true it is.
    pub fn truth(&self, configuration: &Configuration) -> Truth {
        match self {
            Self::Word(word) => configuration.truth(word),
            Self::Compare(sign, left, right) => {
                let (left, right) = (configuration.text(left), configuration.text(right));
                let order = match (number(&left), number(&right)) {
                    (Some(left), Some(right)) => left.cmp(&right),
                    _ => left.cmp(&right),
                };
                let holds = match *sign {
                    "=" => order.is_eq(),
                    "!=" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                };
                if holds { Truth::Yes } else { Truth::No }
            }
            Self::Not(inner) => match inner.truth(configuration) {
                Truth::No => Truth::Yes,
                Truth::Module => Truth::Module,
                Truth::Yes => Truth::No,
            },
            Self::And(parts) => {
                parts.iter().map(|part| part.truth(configuration)).min().unwrap_or(Truth::Yes)
            }
            Self::Or(parts) => {
                parts.iter().map(|part| part.truth(configuration)).max().unwrap_or(Truth::No)
            }
        }
    }

    /// The parts that keep it from being as true as `wanted`, each as words for a message.
    pub fn failing(&self, configuration: &Configuration, wanted: Truth) -> Vec<String> {
        if self.truth(configuration) >= wanted {
            return Vec::new();
        }
        match self {
            Self::And(parts) => {
                parts.iter().flat_map(|part| part.failing(configuration, wanted)).collect()
            }
            Self::Word(word) => vec![format!("{word}, which is {}", configuration.text(word))],
            other => vec![other.to_string()],
        }
    }
}

impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = |f: &mut std::fmt::Formatter<'_>, parts: &[Self], sign: &str| {
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    write!(f, " {sign} ")?;
                }
                match part {
                    Self::And(_) | Self::Or(_) => write!(f, "({part})")?,
                    _ => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Compare(sign, left, right) => write!(f, "{left}{sign}{right}"),
            Self::Not(inner) => match **inner {
                Self::And(_) | Self::Or(_) => write!(f, "!({inner})"),
                _ => write!(f, "!{inner}"),
            },
            Self::And(parts) => all(f, parts, "&&"),
            Self::Or(parts) => all(f, parts, "||"),
        }
    }
}

fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Words, texts in quotes, macros in `$( )`, and signs.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let sign = ["&&", "||", "!=", "<=", ">=", "=", "<", ">", "!", "(", ")"]
            .into_iter()
            .find(|sign| rest.starts_with(sign));
        let length = if let Some(sign) = sign {
            sign.len()
        } else if rest.starts_with('"') || rest.starts_with('\'') {
            let quote = &rest[..1];
            rest[1..].find(quote).map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("$(") {
            let mut depth = 0;
            let end = rest.char_indices().find(|(_, c)| {
                depth += match c {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                *c == ')' && depth == 0
            });
            end.map_or(rest.len(), |(at, _)| at + 1)
        } else {
            let ends = |c: char| c.is_whitespace() || "&|!=<>()\"'".contains(c);
            rest.find(ends).unwrap_or(rest.len()).max(1)
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

fn or(tokens: &mut Vec<String>) -> Option<Expression> {
    joined(tokens, "||", and, Expression::Or)
}

fn and(tokens: &mut Vec<String>) -> Option<Expression> {
    joined(tokens, "&&", not, Expression::And)
}

fn joined(
    tokens: &mut Vec<String>,
    sign: &str,
    inner: fn(&mut Vec<String>) -> Option<Expression>,
    join: fn(Vec<Expression>) -> Expression,
) -> Option<Expression> {
    let mut parts = vec![inner(tokens)?];
    while tokens.last().is_some_and(|token| token == sign) {
        tokens.pop();
        parts.push(inner(tokens)?);
    }
    Some(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
}

fn not(tokens: &mut Vec<String>) -> Option<Expression> {
    match tokens.pop()?.as_str() {
        "!" => Some(Expression::Not(Box::new(not(tokens)?))),
        "(" => {
            let inner = or(tokens)?;
            (tokens.pop()? == ")").then_some(inner)
        }
        ")" | "&&" | "||" => None,
        word => {
            let next = tokens.last().map_or("", String::as_str);
            let Some(sign) = COMPARISONS.into_iter().find(|sign| *sign == next) else {
                return Some(Expression::Word(word.to_owned()));
            };
            tokens.pop();
            Some(Expression::Compare(sign, word.to_owned(), tokens.pop()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_named() {
        let configuration =
            Configuration::parse("CONFIG_A=y\nCONFIG_M=m\nCONFIG_N=12\nCONFIG_S=\"x\"\n");
        let cases: [(&str, Truth, &[&str]); 12] = [
            ("A", Truth::Yes, &[]),
            ("A && B", Truth::No, &["B, which is n"]),
            ("A && M", Truth::Module, &["M, which is m"]),
            ("!B && (A || C)", Truth::Yes, &[]),
            ("(B || C) && D", Truth::No, &["B || C", "D, which is n"]),
            ("N > 9", Truth::Yes, &[]),
            ("N <= 9 || !A", Truth::No, &["N<=9 || !A"]),
            ("S = \"x\"", Truth::Yes, &[]),
            ("S=\"y\"", Truth::No, &["S=\"y\""]),
            ("$(cc-option,-mfoo(bar)) && A", Truth::Yes, &[]),
            ("!M", Truth::Module, &["!M"]),
            ("B!=n && n", Truth::No, &["B!=n", "n, which is n"]),
        ];
        for (text, truth, failing) in cases {
            let expression = Expression::parse(text).expect(text);
            assert_eq!(expression.truth(&configuration), truth, "{text}");
            assert_eq!(expression.failing(&configuration, Truth::Yes), failing, "{text}");
        }
        for text in ["", "A &&", "(A", "A B", "&& A", ")"] {
            assert_eq!(Expression::parse(text), None, "{text}");
        }
    }
}
