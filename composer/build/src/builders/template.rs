//! The builder of templates: renders a file that a component installs. It runs inside this program, so this
//! program is one of its inputs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use tarsia_model::{Blake3, Code, Diagnostic, Name, Span, Spanned};
use tarsia_plan::linux::File;

use crate::engine::{Action, Job, Made, Origin, Setting, Work};

/// What was rendered.
pub const RENDERED: &str = "rendered";
/// The input with the template.
const TEMPLATE: &str = "template";
/// The input with what the template can name.
const VALUES: &str = "values.json";

/// The action that renders a file, whose template stands at `path`.
///
/// # Errors
/// Values that cannot be written down.
pub fn action<'w>(
    product: &Name,
    file: &File,
    path: PathBuf,
    program: Blake3,
) -> Result<Action<'w>, Diagnostic> {
    let values =
        serde_json::to_vec_pretty(&file.template).map_err(|error| failed(&file.from, &error))?;
    Ok(Action {
        product: product.clone(),
        step: format!("template/{}/{}", file.component, file.to),
        builder: "template 1",
        inputs: BTreeMap::from([
            (TEMPLATE.to_owned(), Origin::File(path)),
            (VALUES.to_owned(), Origin::Text(values)),
        ]),
        settings: vec![Setting::new("tool", "tarsia", program.to_string())],
        outputs: vec![RENDERED],
        alone: false,
        work: Box::new(Rendering { name: file.from.clone(), span: file.span }),
    })
}

fn failed(name: &str, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Code::TemplateFailed, format!("render the template `{name}`: {error}"))
}

struct Rendering {
    /// The template as its manifest names it.
    name: String,
    span: Span,
}

impl Work for Rendering {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        let text = String::from_utf8(job.bytes(TEMPLATE)?);
        let text = text.map_err(|error| failed(&self.name, &error))?;
        let values: Value = serde_json::from_slice(&job.bytes(VALUES)?)
            .map_err(|error| failed(&self.name, &error))?;
        let name = Spanned { value: self.name.as_str(), span: self.span };
        let rendered = tarsia_plan::render(name, &text, values)?;
        Ok(Made::from([(RENDERED.to_owned(), rendered.into_bytes())]))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::num::NonZeroUsize;
    use std::path::Path;
    use std::sync::atomic::AtomicBool;

    use fs_err as fs;
    use tarsia_cache::{Memo, Store};
    use tarsia_image::content::Data;
    use tarsia_image::tree::Kind;
    use tarsia_image::{compression, cpio};
    use tarsia_manifest::FeatureValue;
    use tarsia_model::SourceId;
    use tarsia_plan::linux::{Named, Values, Versioned};

    use super::*;
    use crate::Surroundings;
    use crate::builders::installed::{Content, Placed};
    use crate::builders::root::Root;
    use crate::builders::system;
    use crate::digests::Digests;
    use crate::engine::{
        ActionId, Event, Graph, Jobs, Observer, Options, Report, Unsettled, Workshop, run,
    };
    use crate::sandbox::Confinement;

    struct Deaf;

    impl Observer for Deaf {
        fn notice(&self, _: &Event<'_>) {}
    }

    /// Puts the files that were rendered into an initramfs.
    struct Filling(Vec<Placed>);

    impl Work for Filling {
        fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
            let root = Root { program: b"program".to_vec(), component: "initramfs", modules: None };
            let bytes = system::initramfs(&root.tree(job, &self.0)?.tree)?;
            Ok(Made::from([("initramfs".to_owned(), bytes)]))
        }
    }

    fn file(component: &str, from: &str, to: &str, config: &[(&str, FeatureValue)]) -> File {
        let product = Versioned {
            name: "gateway".to_owned(),
            version: "1.2.0".to_owned(),
            summary: "Says \"hello\".".to_owned(),
        };
        let config = config.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        File {
            to: to.to_owned(),
            component: component.parse().expect("a name"),
            from: from.to_owned(),
            executable: false,
            template: Some(Values {
                product,
                board: Named { name: "q35".to_owned() },
                arch: "x86-64".to_owned(),
                config: config.collect(),
            }),
            span: Span::new(SourceId(3), 10, 20),
        }
    }

    /// Renders files that stand in a folder and reads the initramfs with them back.
    fn built(folder: &Path, files: &[(File, PathBuf)]) -> (Report, Store) {
        let store = Store::new(folder.join("store"));
        let digests = Digests::open(Memo::new(folder.join("digests")));
        let product: Name = "gateway".parse().expect("a name");
        let mut graph = Graph::default();
        let mut inputs = BTreeMap::new();
        let mut placed = Vec::new();
        for (at, (file, path)) in files.iter().enumerate() {
            let action = action(&product, file, path.clone(), Blake3::of(b"tarsia"));
            let id = graph.add(action.expect("an action"));
            let input = format!("files/{at}");
            inputs.insert(input.clone(), Origin::Output(id, RENDERED.to_owned()));
            let component = file.component.to_string();
            let content = Content::File { input, executable: false };
            placed.push(Placed { to: file.to.clone(), component, content });
        }
        graph.add(Action {
            product,
            step: "image".to_owned(),
            builder: "test 1",
            inputs,
            settings: Vec::new(),
            outputs: vec!["initramfs"],
            alone: false,
            work: Box::new(Filling(placed)),
        });
        let workshop = Workshop {
            surroundings: &Surroundings::read(),
            store: &store,
            digests: &digests,
            confinement: &Confinement::None { reason: "no program is run".to_owned() },
            jobs: &Jobs::new(NonZeroUsize::MIN).expect("a pipe"),
            root: folder,
            folder: &folder.join("work"),
            interrupted: &AtomicBool::new(false),
            lost: AtomicBool::new(false),
            unsettled: Unsettled::default(),
        };
        let report = run(&graph, &workshop, Options::default(), &Deaf);
        (report, store)
    }

    #[test]
    fn files_of_components_are_in_the_image_as_rendered() {
        let folder = tempfile::tempdir().expect("a folder");
        let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../components");
        let own = folder.path().join("limits.j2");
        let text =
            "{% if config.strict %}\n{{ config.depth + 1 }} {{ config.wait }}\n{% endif %}\n";
        fs::write(&own, text).expect("written");
        let config = [
            ("strict", FeatureValue::Bool(true)),
            ("depth", FeatureValue::Int(7)),
            ("wait", FeatureValue::Duration(tarsia_model::Millis(1500))),
        ];
        let files = [
            (
                file("linux-init", "os-release.j2", "etc/os-release", &[]),
                components.join("libraries/linux-init/os-release.j2"),
            ),
            (
                file("network", "hosts.j2", "etc/hosts", &[]),
                components.join("services/network/hosts.j2"),
            ),
            (file("network", "limits.j2", "etc/deep/limits", &config), own),
        ];
        let (report, store) = built(folder.path(), &files);
        let made = report.output(ActionId(3), "initramfs").expect("made");
        let packed = store.get(made).expect("a store").expect("kept");
        let mut bytes = Vec::new();
        let mut reader = compression::reader(packed.as_slice()).expect("packed");
        reader.read_to_end(&mut bytes).expect("unpacked");
        let tree = cpio::read(&Data::of(bytes)).expect("newc");
        let text = |path: &str| {
            let id = tree.find(path.as_bytes()).unwrap_or_else(|| panic!("{path} is not there"));
            let Kind::File(data) = &tree.inode(id).kind else { panic!("{path} is no file") };
            String::from_utf8(data.bytes().expect("readable")).expect("text")
        };
        // os-release(5), hosts(5).
        assert_eq!(
            text("etc/os-release"),
            "ID=gateway\nNAME=\"gateway\"\nVERSION_ID=\"1.2.0\"\nPRETTY_NAME=\"gateway 1.2.0\"\n"
        );
        assert_eq!(text("etc/hosts"), "127.0.0.1 localhost\n127.0.1.1 gateway\n");
        assert_eq!(text("etc/deep/limits"), "8 1500\n");
    }

    #[test]
    fn a_template_that_is_wrong_is_named_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("wrong.j2");
        fs::write(&path, "fine\n{{ product.nmae }}\n").expect("written");
        let files = [(file("network", "wrong.j2", "etc/wrong", &[]), path)];
        let (report, _) = built(folder.path(), &files);
        let (_, failure) = report.failures().next().expect("a failure");
        assert_eq!(failure.code, Code::TemplateFailed);
        assert!(failure.message.contains("`wrong.j2`, line 2: "), "{}", failure.message);
        let place = failure.primary.as_ref().map(|label| label.span);
        assert_eq!(place, Some(Span::new(SourceId(3), 10, 20)), "where the manifest names it");
    }
}
