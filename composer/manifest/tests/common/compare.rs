//! Two loads of the same files must not differ in anything that a user of them can see.

use std::fmt::Write as _;

use tarsia_manifest::Loaded;
use tarsia_model::SourceId;

/// Everything that is in a load.
pub fn everything(loaded: &Loaded) -> String {
    let Loaded { sources, catalogue, diagnostics } = loaded;
    let mut text = String::new();
    for id in 0..sources.len() as u32 {
        writeln!(text, "{:?}", sources.get(SourceId(id))).expect("text");
    }
    let components = &catalogue.components;
    for id in components.ids() {
        let name = components.name(id);
        let folder = components.folder(name.as_str());
        let (layer, manifest) = (components.layer(id), components.at(id));
        writeln!(text, "{id:?} {name} {folder:?} {layer} {manifest:?}").expect("text");
    }
    for (index, capability) in components.capabilities().iter().enumerate() {
        let id = components.capability(capability.as_str()).expect("a capability");
        assert_eq!(id.0 as usize, index);
        writeln!(text, "{capability} {:?}", components.providers(id)).expect("text");
    }
    writeln!(text, "{:?}", (&catalogue.profiles, &catalogue.products)).expect("text");
    writeln!(text, "{:?} {:?}", catalogue.broken, catalogue.prefixes).expect("text");
    writeln!(text, "{diagnostics:#?}").expect("text");
    text
}
