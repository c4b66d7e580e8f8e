//! `profiles/<name>.yaml`: what every product for a class of devices keeps to.

use tarsia_model::{ByteSize, CapabilityName, Code, Diagnostic, Name, Spanned};

use crate::collection::{Set, Table};
use crate::component::Budget;
use crate::node::Scalar;
use crate::record::record;
use crate::scalar::KernelOption;

record! {
    /// A profile: a class of devices.
    pub struct ProfileManifest = "a profile" {
        /// Its name, which is also the file's.
        "profile" profile: Spanned<Name>,
        /// One line on the devices it is for.
        "summary" summary: Spanned<String>,
        /// How much flash or disk its devices have.
        "storage" storage: Option<Bounds>,
        /// How much RAM its devices have.
        "ram" ram: Option<Bounds>,
        /// The kernel flavours its products may have; any when absent.
        "kernels" kernels: Set<Name>,
        /// Which components to prefer, best first, when a capability has several providers.
        "prefer" prefer: Table<CapabilityName, Set<Name>>,
        /// Capabilities that every product has.
        "requires" requires: Set<CapabilityName>,
        /// Options of the Linux kernel that every product has: what hardens it.
        "kernel-options" kernel_options: Table<KernelOption, Spanned<Scalar>>,
        /// Limits of every product's image.
        "budget" budget: Option<Budget>,
    }
}

record! {
    /// A range of sizes.
    pub struct Bounds = "a range of sizes" check check_bounds {
        /// The smallest.
        "min" min: Option<Spanned<ByteSize>>,
        /// The largest.
        "max" max: Option<Spanned<ByteSize>>,
    }
}

fn check_bounds(bounds: &Bounds, problems: &mut Vec<Diagnostic>) -> Option<()> {
    let (Some(min), Some(max)) = (&bounds.min, &bounds.max) else {
        return Some(());
    };
    if min.value <= max.value {
        return Some(());
    }
    let message = format!("`min` {} is larger than `max` {}", min.value, max.value);
    problems.push(Diagnostic::at(Code::BadValue, min.span, message).also(max.span, "the largest"));
    None
}
