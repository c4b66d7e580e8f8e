//! The modules of a prebuilt kernel: which there are, what each needs, and from that the ones that a selection
//! needs, in an order in which they can be loaded.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::modinfo::{About, ModinfoError, normal, texts};

/// Where the content of modules comes from, by path.
type Reader<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + 'a;

/// The modules of a kernel.
pub struct Modules<'a> {
    /// Files of modules, by name.
    files: BTreeMap<String, String>,
    /// Those that are in the kernel itself.
    builtin: BTreeSet<String>,
    /// Other names of those.
    builtin_aliases: BTreeSet<String>,
    read: Box<Reader<'a>>,
    /// The modules that answer to a name which is not their own. To know it, all have to be read.
    aliases: OnceCell<BTreeMap<String, Vec<String>>>,
}

/// A module that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen<T> {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// Who has it loaded.
    pub owner: T,
}

/// A module that somebody asks for and the kernel does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing<T> {
    /// The module.
    pub name: String,
    /// Who asks.
    pub owner: T,
}

/// What following the dependencies came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed<T> {
    /// The modules, each after those that it needs.
    pub chosen: Vec<Chosen<T>>,
    /// What was asked for and is not there.
    pub missing: Vec<Missing<T>>,
}

/// Why the modules of a kernel are of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModulesError {
    /// A file that is listed cannot be read.
    #[error("cannot read the module `{path}`: {error}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        error: String,
    },
    /// A file is no module.
    #[error("`{path}` is listed as a module: {error}")]
    NoModule {
        /// The file.
        path: String,
        /// Why.
        error: ModinfoError,
    },
    /// A module needs one that is not there.
    #[error("the module `{module}` needs `{needs}`, which the kernel does not have")]
    Broken {
        /// The module.
        module: String,
        /// What it needs.
        needs: String,
    },
    /// Modules need each other, so that none can be loaded first.
    #[error("the modules {} need each other", .0.join(", "))]
    Loop(Vec<String>),
}

impl<'a> Modules<'a> {
    /// The modules that the texts of `modules.order`, `modules.builtin` and `modules.builtin.modinfo` list (Linux,
    /// Documentation/kbuild/kbuild.rst, "Output files"). `read` gives the content of a file by its path there.
    pub fn new(
        [order, builtin]: [&str; 2],
        builtin_modinfo: &[u8],
        read: impl Fn(&str) -> Result<Vec<u8>, String> + 'a,
    ) -> Self {
        let named = |path: &str| {
            let file = path.rsplit('/').next().unwrap_or(path);
            Some((normal(file.split_once(".ko")?.0), path.to_owned()))
        };
        // `MODULE.alias=NAME`, for all modules in one section.
        let aliases = texts(builtin_modinfo).filter(|(key, _)| key.ends_with(".alias"));
        Self {
            files: order.lines().filter_map(named).collect(),
            builtin: builtin.lines().filter_map(named).map(|(name, _)| name).collect(),
            builtin_aliases: aliases.map(|(_, alias)| normal(&alias)).collect(),
            read: Box::new(read),
            aliases: OnceCell::new(),
        }
    }

    /// The names of all modules that are files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The modules that are to be loaded so that all that is asked for is there, each after what it needs. One
    /// that is asked for belongs to the first who asks, any other to the first on whose account it is loaded. What
    /// is in the kernel itself needs nothing.
    ///
    /// # Errors
    /// Modules of the kernel that contradict each other.
    pub fn follow<T: Clone>(&self, asked: &[(String, T)]) -> Result<Followed<T>, ModulesError> {
        let mut owners: BTreeMap<String, T> = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, owner) in asked {
            let name = normal(name);
            if self.files.contains_key(&name) {
                owners.entry(name).or_insert_with(|| owner.clone());
            } else if !self.builtin.contains(&name) {
                missing.push(Missing { name, owner: owner.clone() });
            }
        }
        let mut walk = Walk {
            modules: self,
            owners,
            seen: BTreeSet::new(),
            way: Vec::new(),
            later: Vec::new(),
            chosen: Vec::new(),
        };
        for (name, owner) in asked {
            let name = normal(name);
            if self.files.contains_key(&name) {
                walk.visit(&name, owner)?;
            }
            while let Some((name, owner)) = walk.later.pop() {
                walk.visit(&name, &owner)?;
            }
        }
        Ok(Followed { chosen: walk.chosen, missing })
    }

    fn about(&self, name: &str) -> Result<About, ModulesError> {
        let path = self.files.get(name).cloned().unwrap_or_default();
        let bytes = (self.read)(&path);
        let bytes =
            bytes.map_err(|error| ModulesError::Unreadable { path: path.clone(), error })?;
        About::of(&bytes).map_err(|error| ModulesError::NoModule { path, error })
    }

    /// Those of the modules that one depends on which are files.
    fn needed(&self, module: &str, depends: Vec<String>) -> Result<Vec<String>, ModulesError> {
        let lost = |name: &&String| {
            !self.files.contains_key(*name) && !self.builtin.contains(name.as_str())
        };
        if let Some(needs) = depends.iter().find(lost).cloned() {
            return Err(ModulesError::Broken { module: module.to_owned(), needs });
        }
        Ok(depends.into_iter().filter(|name| self.files.contains_key(name)).collect())
    }

    /// The modules that a soft dependency means: the one of that name, or all that answer to it. None is no fault.
    fn meant(&self, name: &str) -> Result<Vec<String>, ModulesError> {
        if self.files.contains_key(name) {
            return Ok(vec![name.to_owned()]);
        }
        if self.builtin.contains(name) || self.builtin_aliases.contains(name) {
            return Ok(Vec::new());
        }
        if self.aliases.get().is_none() {
            let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for module in self.files.keys() {
                for alias in self.about(module)?.aliases {
                    aliases.entry(alias).or_default().push(module.clone());
                }
            }
            let _ = self.aliases.set(aliases);
        }
        let found = self.aliases.get().and_then(|aliases| aliases.get(name));
        Ok(found.cloned().unwrap_or_default())
    }
}

/// A walk through the dependencies, those first that must be loaded first.
struct Walk<'m, 'a, T> {
    modules: &'m Modules<'a>,
    /// Whose the modules are that are asked for.
    owners: BTreeMap<String, T>,
    seen: BTreeSet<String>,
    /// From what was asked for to where the walk is.
    way: Vec<String>,
    /// Modules that others wish to be loaded first, which is not possible.
    later: Vec<(String, T)>,
    chosen: Vec<Chosen<T>>,
}

impl<T: Clone> Walk<'_, '_, T> {
    fn visit(&mut self, name: &str, owner: &T) -> Result<(), ModulesError> {
        if let Some(at) = self.way.iter().position(|one| one == name) {
            return Err(ModulesError::Loop(self.way[at..].to_vec()));
        }
        if !self.seen.insert(name.to_owned()) {
            return Ok(());
        }
        let about = self.modules.about(name)?;
        let owner = self.owners.get(name).unwrap_or(owner).clone();
        self.way.push(name.to_owned());
        self.wished(&about.before, &owner)?;
        for other in self.modules.needed(name, about.depends)? {
            self.visit(&other, &owner)?;
        }
        self.way.pop();
        let path = self.modules.files.get(name).cloned().unwrap_or_default();
        self.chosen.push(Chosen { name: name.to_owned(), path, owner: owner.clone() });
        self.wished(&about.after, &owner)
    }

    fn wished(&mut self, names: &[String], owner: &T) -> Result<(), ModulesError> {
        for name in names {
            for module in self.modules.meant(name)? {
                if self.way.contains(&module) {
                    continue;
                }
                if self.leads_back(&module)? {
                    self.later.push((module, owner.clone()));
                } else {
                    self.visit(&module, owner)?;
                }
            }
        }
        Ok(())
    }

    /// Whether a module needs, by itself or through others, one that is to be loaded after it.
    fn leads_back(&self, module: &str) -> Result<bool, ModulesError> {
        let (mut open, mut known) = (vec![module.to_owned()], BTreeSet::new());
        while let Some(name) = open.pop() {
            if self.way.contains(&name) {
                return Ok(true);
            }
            if !self.seen.contains(&name) && known.insert(name.clone()) {
                let depends = self.modules.about(&name)?.depends;
                open.extend(self.modules.needed(&name, depends)?);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
