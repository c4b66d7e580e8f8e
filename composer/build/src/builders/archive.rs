//! The builder of static libraries: the objects of a component as one file that linkers read. It runs inside
//! this program, so this program is one of its inputs.

use std::io::Cursor;

use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream,
};
use tarsia_model::{Blake3, Code, Diagnostic, Name};

use super::c;
use crate::engine::{Action, ActionId, Job, Made, Origin, Setting, Work};

/// The library.
pub const LIBRARY: &str = "library.a";

/// The action that puts the objects of a component's C into a library, in this order. `names` are those that
/// linkers show.
pub fn action<'w>(
    (product, component): (&Name, &Name),
    objects: &[(String, ActionId)],
    program: Blake3,
) -> Action<'w> {
    let input = |(at, (name, id)): (usize, &(String, ActionId))| {
        (format!("{at:04}-{name}"), Origin::Output(*id, c::OBJECT.to_owned()))
    };
    Action {
        product: product.clone(),
        step: format!("archive/{component}"),
        builder: "archive 1",
        inputs: objects.iter().enumerate().map(input).collect(),
        settings: vec![Setting::new("tool", "tarsia", program.to_string())],
        outputs: vec![LIBRARY],
        alone: false,
        work: Box::new(Archive),
    }
}

struct Archive;

impl Work for Archive {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        let mut objects = Vec::new();
        for input in job.files() {
            let name = input.split_once('-').map_or(input, |(_, name)| name);
            objects.push((name, job.bytes(input)?));
        }
        let written = write(&objects).map_err(|error| {
            let message = format!("cannot write a library of C: {error}");
            Diagnostic::error(Code::ActionFailed, message)
        })?;
        Ok(Made::from([(LIBRARY.to_owned(), written)]))
    }
}

/// A library as GNU's tools have it, with an index of symbols: no times, no owners.
fn write(objects: &[(&str, Vec<u8>)]) -> std::io::Result<Vec<u8>> {
    let member = |(name, bytes): &(&str, Vec<u8>)| {
        NewArchiveMember::new(bytes.clone(), &DEFAULT_OBJECT_READER, (*name).to_owned())
    };
    let members: Vec<NewArchiveMember<'_>> = objects.iter().map(member).collect();
    let mut library = Cursor::new(Vec::new());
    write_archive_to_stream(&mut library, &members, ArchiveKind::Gnu, false, None)?;
    Ok(library.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_has_its_objects_in_order_and_nothing_of_the_host() {
        // No objects: then their symbols are none.
        let objects = [("one.o", b"first".to_vec()), ("a-name-of-many-letters.o", vec![7; 3])];
        let library = write(&objects).expect("written");
        let text = library.escape_ascii().to_string();
        // ar(5) of binutils: long names in `//`; time, owner and group are 0, the mode is fixed.
        assert!(text.starts_with("!<arch>\\n"), "{text}");
        let head = |name: &str, size: usize| {
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\\n", 0, 0, 0, 644)
        };
        let (one, two) = (head("one.o/", 5), head("/0", 3));
        assert!(text.contains(&format!("{one}first\\n{two}\\x07\\x07\\x07\\n")), "{text}");
        assert_eq!(write(&objects).expect("written"), library);
    }
}
