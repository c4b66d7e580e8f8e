//! Index and product in, selection out: which components make up a product, with which feature
//! values, bound to each other how, and for each the reason it is there. Or every reason why not.
//!
//! The same input gives the same selection on any machine: every choice is ordered, nothing here
//! touches the world.

mod bind;
mod closure;
mod features;
mod frame;
mod index;
mod limits;
mod order;
mod selection;
mod tree;
mod viable;

pub use closure::resolve;
pub use index::Index;
pub use selection::{
    Binding, Cause, FeatureSetting, Limit, LimitSource, Provided, Selected, Selection,
};
pub use tree::{Edge, Tree};
