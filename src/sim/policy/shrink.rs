//! Which nodes leave first (pool.md §3.4).

use crate::sim::{
    config::{Ms, ShrinkOrder},
    rng::{Draw, Purpose},
    world::NodeState,
};

/// What the ranking may know about a node.
#[derive(Debug, Clone, Copy)]
pub struct NodeView {
    /// Id.
    pub id: u32,
    /// State.
    pub state: NodeState,
    /// State at the last sample.
    pub seen: NodeState,
    /// When it was created.
    pub created: Ms,
    /// Since when it has been in its state.
    pub since: Ms,
    /// Occupied slots.
    pub used: u16,
    /// Runs a job manager.
    pub manager: bool,
}

/// The lowest key leaves first.
pub type ShrinkKey = (u8, i64, i64, u32);

/// How early the ranking of pool.md §3.4 takes nodes of a state; job managers come after all others.
pub fn group(state: NodeState) -> u8 {
    use NodeState::*;
    match state {
        Preempted => 1,
        Unusable | StartTaskFailed | Unknown => 2,
        Creating | Starting | WaitingForStartTask | Rebooting | Reimaging | UpgradingOs => 3,
        Offline | Deallocating | Deallocated => 4,
        Idle => 5,
        Running => 6,
        LeavingPool => 8,
    }
}

/// Ranks a node. `resize` tells one shrink from the next, for `random`.
pub fn rank(order: ShrinkOrder, node: &NodeView, seed: u64, resize: u64) -> ShrinkKey {
    let manager = node.manager && node.state == NodeState::Running;
    match order {
        ShrinkOrder::Ranked => match (manager, group(node.state)) {
            (true, _) => (7, 0, 0, node.id),
            (_, 6) => (6, i64::from(node.used), -node.since, node.id),
            (_, g) => (g, -node.created, 0, node.id),
        },
        ShrinkOrder::StaleView => match group(node.seen) {
            6 => (if node.manager { 7 } else { 6 }, 0, -node.created, node.id),
            g => (g, -node.created, 0, node.id),
        },
        ShrinkOrder::IdleFirst => (u8::from(node.state != NodeState::Idle), node.created, 0, node.id),
        ShrinkOrder::OldestFirst => (0, node.created, 0, node.id),
        ShrinkOrder::Random => {
            let luck = Draw::keyed(seed, Purpose::Shrink, resize << 32 | u64::from(node.id)).bits() >> 1;
            (0, luck as i64, 0, node.id)
        }
    }
}
