//! The catalogue for libsolv, as its `testsolv` reads it: one repository in which each component is a
//! package, and a job per product. What a board has, and its architecture, are things it provides; boards
//! exclude each other. Every product sets `depth` to 60, so what a component requires then, it requires.

use std::collections::BTreeMap;

use super::wishes;
use crate::generator::{Catalogue, PREFERRED};

/// The files, by path.
pub fn files(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let boards: Vec<&str> = catalogue
        .components
        .iter()
        .filter(|component| component.layer == "board")
        .map(|component| component.name.as_str())
        .collect();
    let mut repository = "=Ver: 2.0\n".to_owned();
    for component in &catalogue.components {
        let name = component.name.as_str();
        let board = component.layer == "board";
        let arch = component.arch.map(|arch| format!("arch.{arch}"));
        let hardware = (0..component.hardware).map(|k| format!("hw.device-{k}"));
        let excluded = boards.iter().filter(|other| board && **other != name);
        let provides =
            hardware.chain(arch.clone().filter(|_| board)).chain(component.provides.clone());
        let requires = component.requires.iter().chain(&component.deep).cloned();
        let requires = requires.chain(arch.filter(|_| !board));
        let conflicts = component.conflicts.iter().map(String::as_str).chain(excluded.copied());
        repository += &format!("=Pkg: {name} 1 1 noarch\n");
        repository += &lines("Prv", provides);
        repository += &lines("Req", requires);
        repository += &lines("Rec", &component.recommends);
        repository += &lines("Con", conflicts);
    }
    let mut files = BTreeMap::from([("catalogue.repo".to_owned(), repository)]);
    for product in wishes(catalogue) {
        let listed = [product.board.as_str(), &product.kernel].into_iter().chain(product.services);
        let jobs: String = listed.map(|name| format!("job install name {name}\n")).collect();
        let text = format!(
            "repo system 0 empty\nrepo catalogue 0 testtags catalogue.repo\nsystem noarch rpm system\n\
             job favor name {PREFERRED}\n{jobs}"
        );
        files.insert(format!("{}.t", product.product), text);
    }
    files
}

fn lines(tag: &str, words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    words.into_iter().map(|word| format!("={tag}: {}\n", word.as_ref())).collect()
}
