//! Where the partitions of a disk lie, worked out and checked before anything is written. Every problem
//! is found at once and told with its arithmetic, since a layout is written by hand and its
//! mistakes (a slot too small for the next update) otherwise show on devices.

mod place;
mod problem;
mod sector;
mod wanted;

pub use place::{Layout, Placed, place};
pub use problem::LayoutProblem;
pub use sector::{LONGEST_NAME, MOST_PARTITIONS, Sector, TABLE};
pub use wanted::{ALIGNMENT, Headroom, Wanted, WantedPartition};
