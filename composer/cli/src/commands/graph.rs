//! `tarsia graph`: a product's components and what they require of each other, as a picture.

use std::io::Write as _;
use std::path::Path;

use tarsia_model::{Code, Diagnostic};
use tarsia_resolve::graph::{Graph, dot, svg};

use crate::args::Format;
use crate::session::Session;
use crate::ui::Outcome;

/// Resolves, draws, and writes the drawing to the standard output or into a file.
pub fn run(session: &Session, name: &str, format: Format, out: Option<&Path>) -> Outcome {
    let drawn = session.resolve(name).and_then(|selection| {
        let graph = Graph::of(&selection);
        let text = match format {
            Format::Svg => svg(&graph),
            Format::Dot => dot(&graph),
            Format::Json | Format::Yaml => session.ui.encode(&graph),
            // Only `tarsia --format text graph …` leads here: after `graph`, clap refuses it.
            Format::Text => {
                let problem = Diagnostic::error(Code::Usage, "a graph has no form as text").hint(
                    "`tarsia tree` says it in words; a graph is svg, dot, json or yaml".to_owned(),
                );
                return Err(vec![problem]);
            }
        };
        out.map_or_else(
            || {
                session.ui.print(&text);
                Ok(())
            },
            |path| write(path, &text).map_err(|problem| vec![problem]),
        )
    });
    match drawn {
        Ok(()) => Outcome::Success,
        Err(problems) => session.ui.report(&problems, session.sources()),
    }
}

/// Writes a file that is never half there: beside its place first, then renamed.
fn write(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .and_then(|mut new| {
            new.write_all(text.as_bytes())?;
            new.persist(path).map_err(|error| error.error)?;
            Ok(())
        });
    written.map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Diagnostic::error(Code::OutputFailed, message)
    })
}
