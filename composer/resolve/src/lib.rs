//! Catalogue and product in, selection out: which components make up a product, with which feature
//! values, bound to each other how, and for each the reason it is there. Or every reason why not.
//!
//! The rules are written down in docs/resolution.md. The same input gives the same selection on any
//! machine: every choice is ordered, nothing here touches the world.

mod absence;
mod assemble;
mod attempt;
mod bind;
mod change;
mod circle;
mod closure;
mod compare;
mod core;
mod difference;
mod domain;
mod explain;
mod fact;
mod features;
mod formula;
mod frame;
pub mod graph;
mod group;
mod limits;
mod matrix;
mod named;
mod order;
mod preferences;
mod promised;
mod recommend;
mod repair;
mod resolve;
mod scope;
mod search;
mod selection;
mod setting;
mod solver;
mod space;
mod subject;
mod tell;
mod terms;
mod tree;
mod view;
mod viewer;
mod why;
mod why_not;

pub use absence::Absence;
pub use attempt::{Refused, attempt};
pub use change::Change;
pub use compare::{Adjusted, Comparison, Member, Promise, Rebound, Relimited, Switched};
pub use difference::{
    Arrival, Difference, Pair, Placed, Reserved, Resized, Retuned, Sum, Sums, Tuned,
};
pub use explain::{Conflict, Premise};
pub use fact::Fact;
pub use matrix::{Cell, Column, Matrix, Row, RowKind};
pub use promised::{Promised, Total};
pub use recommend::Outcome;
pub use resolve::{conflicts, resolve};
pub use selection::{
    Binding, Cause, FeatureSetting, Limit, LimitSource, Provided, Recommended, Selected, Selection,
    User,
};
pub use subject::Subject;
pub use tree::{Edge, Node, Tree};
pub use view::{
    AdjustedValue, Adjustment, Asker, Bound, BudgetView, Former, Ground, Limits, Part, Stated, View,
};
pub use why::{Branch, Chains, Reason, Why};
pub use why_not::{Edit, Remedy, WhyNot, why_not};
