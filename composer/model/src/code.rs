//! The stable codes of diagnostics. A code never changes its meaning and is never reused, so that
//! scripts, searches and manuals can rely on it.

macro_rules! codes {
    ($($group:literal: $($variant:ident = $text:literal, $title:literal;)*)*) => {
        /// What kind of problem a diagnostic reports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $title] $variant,)*)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$($(Self::$variant,)*)*];

            /// The code as users see it, such as `E0201`.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$variant => $text,)*)* }
            }

            /// One line on what the code means.
            pub const fn title(self) -> &'static str {
                match self { $($(Self::$variant => $title,)*)* }
            }

            /// What part of the work codes of its kind are about.
            pub const fn group(self) -> &'static str {
                match self { $($(Self::$variant => $group,)*)* }
            }

            /// Its page of the manual as it is written, in Markdown. A code without a page does
            /// not compile.
            pub(crate) const fn source(self) -> &'static str {
                match self {
                    $($(Self::$variant => {
                        include_str!(concat!("../../../docs/codes/", $text, ".md"))
                    })*)*
                }
            }
        }
    };
}

codes! {
    "Files and YAML text":
    Unreadable = "E0101", "a file could not be read";
    NotUtf8 = "E0102", "a file is not UTF-8";
    ByteOrderMark = "E0103", "a file starts with a byte order mark";
    EmptyFile = "E0104", "a file holds no manifest";
    YamlSyntax = "E0105", "a file is not well-formed YAML";
    YamlTooDeep = "E0106", "a file nests deeper than allowed";
    YamlTooLarge = "E0107", "a file is larger or expands to more than allowed";
    OutsideWorkspace = "E0108", "a path leaves the workspace";
    WorkspaceNotFound = "E0109", "no workspace was found";
    SeveralDocuments = "E0110", "a file holds more than one YAML document";
    YamlFeature = "E0111", "a file uses a part of YAML that manifests do not have";
    CatalogueNotFound = "E0112", "a catalogue's folder does not exist";
    "One manifest":
    UnknownKey = "E0201", "a key is not known here";
    DuplicateKey = "E0202", "a key stands twice";
    MissingKey = "E0203", "a required key is missing";
    WrongType = "E0204", "a value has the wrong type";
    BadName = "E0205", "a name breaks the rules for names";
    BadSize = "E0206", "a size is malformed";
    BadValue = "E0207", "a value is not one of those allowed";
    StemMismatch = "E0208", "a file's name and the name inside it differ";
    BadFeature = "E0209", "a feature's declaration contradicts itself";
    DuplicateEntry = "E0210", "a list names the same thing twice";
    BadSource = "E0211", "an external source contradicts itself";
    "Catalogue and inheritance":
    DuplicateName = "E0301", "two files declare the same name";
    UnknownProduct = "E0302", "no product has this name";
    UnknownProfile = "E0303", "no profile has this name";
    UnknownComponent = "E0304", "no component has this name";
    WrongLayer = "E0305", "a component is listed under the wrong layer";
    ExtendsUnknown = "E0306", "a product extends something that does not exist";
    ExtendsCycle = "E0307", "products extend each other in a circle";
    ExtendsDisagree = "E0308", "two extended fragments disagree";
    RemovesNothing = "E0309", "a product removes what would not be in it anyway";
    CatalogueClash = "E0310", "two catalogues have a manifest of the same name";
    OverridesNothing = "E0311", "a catalogue overrides what no other catalogue has";
    "Resolution":
    NoProvider = "E0401", "a capability is required that nothing here provides";
    NoKernel = "E0402", "a product names no kernel";
    TwoKernels = "E0403", "a product selects two kernels";
    NoBoard = "E0404", "a product names no board";
    NoProfile = "E0405", "a product names no profile";
    ArchMismatch = "E0406", "a component does not support the board's architecture";
    ClassMismatch = "E0407", "a component is not for this class of device";
    Conflict = "E0408", "two selected components exclude each other";
    AmbiguousProvider = "E0409", "several selected components provide what only one may";
    UnknownFeature = "E0410", "a feature does not exist";
    FeatureType = "E0411", "a feature's value has the wrong type";
    FeatureRange = "E0412", "a feature's value is out of range";
    FeatureUnused = "E0413", "a feature is set on a component that is not in the product";
    HardwareTaken = "E0414", "two drivers claim the same hardware";
    RequireCycle = "E0415", "components need each other before they can start";
    UnknownCapability = "E0416", "no component anywhere provides this capability";
    Abstract = "E0417", "a fragment cannot be built on its own";
    ProfileLimit = "E0418", "a product does not fit its profile";
    Unsatisfiable = "E0419", "no selection of components fulfils everything at once";
    BadCondition = "E0420", "a condition can never be judged";
    NotAProvider = "E0421", "a preference names a component that does not provide the capability";
    Undecided = "E0422", "whether a product has a selection takes too long to find out";
    KernelOptionsDisagree = "E0423", "two components need different values of one kernel option";
    "Budgets":
    OverBudget = "E0501", "an image is larger than its budget";
    BudgetBeyondBoard = "E0502", "a budget is larger than what the hardware has";
    "Building and running":
    ToolMissing = "E0601", "a tool that the build needs is not installed";
    ActionFailed = "E0602", "a build step failed";
    CrateNotLocked = "E0603", "a crate is not in the checked-in lock file";
    TemplateFailed = "E0604", "a template could not be rendered";
    CrateContract = "E0605", "a component's crate does not match its manifest";
    OutputFailed = "E0606", "an output could not be written";
    NoEmulator = "E0607", "a board has no emulator";
    PatternNotSeen = "E0608", "the console never showed the pattern";
    MalformedImage = "E0609", "a built image is malformed";
    NotDeterministic = "E0610", "a build step does not make the same bytes twice";
    NotConfined = "E0611", "a build that must be confined cannot be";
    KernelOptionUnmet = "E0612", "a kernel option could not be set as it is needed";
    KernelModuleMissing = "E0613", "a prebuilt kernel does not have a module that is needed";
    DiskLayout = "E0614", "what goes onto a disk does not fit its partitions";
    "The command line":
    Usage = "E0701", "the command line asks for something impossible";
    AlreadyExists = "E0702", "a file that would be created exists already";
    BadRevision = "E0703", "a revision of the workspace could not be read";
    "External sources":
    LockOutdated = "E0801", "a lock file does not match the manifests";
    SourceUnavailable = "E0802", "an external source could not be fetched";
    SourceMismatch = "E0803", "an external source has other bytes than expected";
    ArchiveRefused = "E0804", "an archive is refused";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_in_order() {
        let texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(texts.is_sorted());
        assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len());
    }
}
