//! What limits the size of an image, and whether product, board and profile fit each other.

use std::collections::BTreeMap;

use tarsia_manifest::{Catalogue, ComponentManifest, EffectiveProduct, ProfileManifest};
use tarsia_model::{ByteSize, Code, Diagnostic, Name, Span, Spanned};

use crate::selection::{Limit, LimitSource};
use crate::space::supports_class;

/// The regions that budgets speak of.
const REGIONS: [&str; 2] = ["flash", "ram"];

/// The product in whose file a line stands: the one being resolved, or one it extends.
fn writer(catalogue: &Catalogue, product: &EffectiveProduct, line: Span) -> Name {
    let wrote = |name: &&Name| {
        let manifest = catalogue.products.get(*name);
        manifest.is_some_and(|manifest| manifest.span.source == line.source)
    };
    product.lineage.iter().find(wrote).unwrap_or(&product.name.value).clone()
}

/// The limits of each region, tightest first.
pub fn find(
    catalogue: &Catalogue,
    product: &EffectiveProduct,
    profile: &ProfileManifest,
    board: &ComponentManifest,
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Vec<Limit>> {
    let mut limits = BTreeMap::new();
    for region in REGIONS {
        let mut found = Vec::new();
        let mut add = |size: Option<&Spanned<ByteSize>>, by| {
            found.extend(size.map(|size| Limit {
                size: size.value,
                by,
                name: match by {
                    LimitSource::Board => board.component.value.clone(),
                    LimitSource::Profile => profile.profile.value.clone(),
                    LimitSource::Product => writer(catalogue, product, size.span),
                },
                span: size.span,
            }));
        };
        let hardware = board.board.as_ref().and_then(|b| b.memory.get(region)).map(|r| &r.size);
        let class = match region {
            "flash" => profile.storage.as_ref(),
            _ => profile.ram.as_ref(),
        };
        let budget = match region {
            "flash" => product.budget.flash.as_ref(),
            _ => product.budget.ram.as_ref(),
        }
        .map(tarsia_manifest::Decided::spanned);
        let class_budget = profile.budget.as_ref().and_then(|budget| match region {
            "flash" => budget.flash.as_ref(),
            _ => budget.ram.as_ref(),
        });
        add(hardware, LimitSource::Board);
        add(class.and_then(|range| range.max.as_ref()), LimitSource::Profile);
        add(class_budget, LimitSource::Profile);
        add(budget.as_ref(), LimitSource::Product);
        if let (Some(hardware), Some(floor)) =
            (hardware, class.and_then(|range| range.min.as_ref()))
            && hardware.value < floor.value
        {
            let message = format!(
                "`{}` is too small for the class `{}`: it has {} of {region}, and the class starts at {}",
                board.component.value, profile.profile.value, hardware.value, floor.value
            );
            problems.push(
                Diagnostic::at(Code::ProfileLimit, hardware.span, message)
                    .also(floor.span, "the class starts here")
                    .consequence(!supports_class(board, &profile.profile.value)),
            );
        }
        if let (Some(hardware), Some(budget)) = (hardware, budget.as_ref())
            && budget.value > hardware.value
        {
            let message = format!(
                "the {region} budget of {} is beyond the {} that `{}` has; the board's size holds",
                budget.value, hardware.value, board.component.value
            );
            problems.push(
                Diagnostic::at(Code::BudgetBeyondBoard, budget.span, message)
                    .also(hardware.span, "the hardware ends here")
                    .hint(format!("set the budget to at most {}", hardware.value))
                    .warning(),
            );
        }
        found.sort_by_key(|limit| (limit.size, std::cmp::Reverse(limit.by)));
        limits.insert(region.to_owned(), found);
    }
    limits
}
