//! The options that a kernel has, read from its Kconfig files: what each depends on, what selects it,
//! and whether it can be set at all. Only for explaining: the configuration itself is made by the
//! kernel's own tools.

use std::collections::BTreeMap;
use std::path::Path;

use fs_err as fs;

use super::expression::Expression;

/// Files within files, beyond which nothing is read.
const DEPTH: usize = 64;

/// One place where an option is defined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// What it depends on, with that of the menus and conditions around it.
    pub depends: Vec<Expression>,
    /// Whether people can set it; otherwise only defaults and other options do.
    pub prompted: bool,
    /// What it sets when it is set, and under which conditions.
    pub selects: Vec<(String, Vec<Expression>)>,
}

/// The options of a kernel.
#[derive(Clone, Debug, Default)]
pub struct Menu {
    /// Where each is defined.
    pub options: BTreeMap<String, Vec<Definition>>,
}

impl Menu {
    /// Reads the options of a kernel's tree for an architecture. What cannot be read is left out.
    pub fn read(tree: &Path, arch: &str) -> Self {
        let mut menu = Self::default();
        let mut reader = Reader { tree, arch, around: Vec::new(), menu: &mut menu };
        reader.file("Kconfig", 0);
        menu
    }

    /// The options that set `name` under conditions that hold, by `holds`.
    pub fn selectors(&self, name: &str, holds: &dyn Fn(&str, &[Expression]) -> bool) -> Vec<&str> {
        let selects = |definition: &Definition, by: &str| {
            definition.selects.iter().any(|(what, when)| what == name && holds(by, when))
        };
        self.options
            .iter()
            .filter(|(by, definitions)| definitions.iter().any(|one| selects(one, by)))
            .map(|(by, _)| by.as_str())
            .collect()
    }
}

struct Reader<'a> {
    tree: &'a Path,
    arch: &'a str,
    /// The conditions around the line that is read: one list for each `if`, `menu` and `choice`.
    around: Vec<Vec<Expression>>,
    menu: &'a mut Menu,
}

/// What lines of attributes belong to.
enum Entry {
    Option(String, Definition),
    /// A menu, a choice or a comment: what it depends on counts for what is in it.
    Other {
        holds: bool,
    },
}

impl Reader<'_> {
    fn file(&mut self, path: &str, depth: usize) {
        let Ok(text) = fs::read_to_string(self.tree.join(path)) else { return };
        if depth > DEPTH {
            return;
        }
        let text = text.replace("\\\n", " ");
        let mut entry: Option<Entry> = None;
        let mut help: Option<Option<usize>> = None;
        for line in text.lines() {
            let trimmed = line.trim_start();
            let indent = line.len() - trimmed.len();
            // A help text goes on while its lines are as far in as the first.
            if let Some(first) = help {
                if trimmed.is_empty() {
                    continue;
                }
                if indent > 0 && first.is_none_or(|first| indent >= first) {
                    help = Some(first.or(Some(indent)));
                    continue;
                }
                help = None;
            }
            let line = without_comment(trimmed).trim_end();
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim();
            match word {
                "help" | "---help---" => help = Some(None),
                "config" | "menuconfig" => {
                    self.close(entry.take());
                    entry = Some(Entry::Option(rest.to_owned(), Definition::default()));
                }
                "if" => {
                    self.close(entry.take());
                    self.around.push(Expression::parse(rest).into_iter().collect());
                }
                "menu" | "choice" => {
                    self.close(entry.take());
                    self.around.push(Vec::new());
                    entry = Some(Entry::Other { holds: true });
                }
                "comment" | "mainmenu" => {
                    self.close(entry.take());
                    entry = Some(Entry::Other { holds: false });
                }
                "endif" | "endmenu" | "endchoice" => {
                    self.close(entry.take());
                    self.around.pop();
                }
                "source" => {
                    self.close(entry.take());
                    let inner = rest.trim_matches('"').replace("$(SRCARCH)", self.arch);
                    self.file(&inner, depth + 1);
                }
                _ => self.attribute(&mut entry, word, rest),
            }
        }
        self.close(entry);
    }

    fn attribute(&mut self, entry: &mut Option<Entry>, word: &str, rest: &str) {
        let depends = word == "depends";
        let condition = rest.strip_prefix("on").filter(|_| depends).and_then(Expression::parse);
        match entry {
            Some(Entry::Option(_, definition)) => match word {
                "depends" => definition.depends.extend(condition),
                "bool" | "tristate" | "string" | "hex" | "int" => {
                    definition.prompted |= rest.starts_with(['"', '\'']);
                }
                "prompt" => definition.prompted = true,
                "select" | "imply" => {
                    let (what, when) = rest.split_once(" if ").unwrap_or((rest, "y"));
                    if word == "select" {
                        let when = Expression::parse(when).into_iter().collect();
                        definition.selects.push((what.trim().to_owned(), when));
                    }
                }
                _ => {}
            },
            Some(Entry::Other { holds: true }) => {
                if let Some(around) = self.around.last_mut() {
                    around.extend(condition);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, entry: Option<Entry>) {
        if let Some(Entry::Option(name, mut definition)) = entry {
            definition.depends.extend(self.around.iter().flatten().cloned());
            self.menu.options.entry(name).or_default().push(definition);
        }
    }
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let end = line.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '#' && !quoted
    });
    end.map_or(line, |(at, _)| &line[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menus_conditions_and_files_count() {
        let tree = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        write("Kconfig", "mainmenu \"x\"\nsource \"arch/$(SRCARCH)/Kconfig\"\nsource \"gone\"\n");
        write(
            "arch/x86/Kconfig",
            "menu \"Network\" # the first\n\tdepends on NET\nif PCI\nconfig CARD\n\ttristate \"A card\"\n\
             \tdepends on A || \\\n\t\tB\n\tselect MII if FAST\n\thelp\n\t  config NOT_ONE\n\n\t  depends on C\n\
             config HIDDEN\n\tbool\n\tdefault y\nendif\nendmenu\nconfig CARD\n\tdefault n\n",
        );
        let menu = Menu::read(tree.path(), "x86");
        let names: Vec<&str> = menu.options.keys().map(String::as_str).collect();
        assert_eq!(names, ["CARD", "HIDDEN"]);
        let card = &menu.options["CARD"];
        let words =
            |one: &Definition| one.depends.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(words(&card[0]), ["A || B", "NET", "PCI"]);
        assert!(card[0].prompted && !card[1].prompted && words(&card[1]).is_empty());
        assert!(!menu.options["HIDDEN"][0].prompted);
        assert_eq!(menu.selectors("MII", &|_, _| true), ["CARD"]);
    }
}
