//! What a product says, looked up in its catalogue once: everything that is fixed before anything is
//! chosen for it.

use tarsia_manifest::{Catalogue, ComponentId, EffectiveProduct};
use tarsia_model::{Diagnostic, Span};

use crate::frame::{Frame, wishes};
use crate::preferences::Preferences;
use crate::setting::Setting;

/// The fixed points of one product.
#[derive(Debug)]
pub struct Terms<'a, 'c> {
    /// The catalogue.
    pub catalogue: &'c Catalogue,
    /// The product.
    pub product: &'a EffectiveProduct,
    /// Its profile, board and kernel.
    pub frame: Frame<'c>,
    /// What conditions are judged by.
    pub setting: Setting,
    /// Which providers to prefer.
    pub preferences: Preferences,
    /// Board and kernel, then what the product lists, with the place of each.
    pub listed: Vec<(ComponentId, Span)>,
}

impl<'a, 'c> Terms<'a, 'c> {
    /// The terms of a product, as if it also listed `forced`; none when it does not name its frame.
    /// What is wrong with what it names goes to `problems`.
    pub fn of(
        catalogue: &'c Catalogue,
        product: &'a EffectiveProduct,
        forced: Option<ComponentId>,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let frame = Frame::find(catalogue, product, problems);
        let wishes = wishes(catalogue, product, problems);
        let frame = frame?;
        let mut listed =
            vec![(frame.board_id, frame.board_span), (frame.kernel_id, frame.kernel_span)];
        listed.extend(wishes);
        listed.extend(forced.map(|id| (id, product.name.span)));
        let setting = Setting::new(catalogue, product, &frame, listed.iter().map(|(id, _)| *id));
        let preferences = Preferences::new(catalogue, product, frame.profile, &setting);
        Some(Self { catalogue, product, frame, setting, preferences, listed })
    }
}
