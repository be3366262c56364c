//! What a resize does, decided at once: how many nodes to ask for, how many to give up, which limits bite.
//!
//! In: targets, what is there, what there is room for. Out: a `Plan`. Never: the world. (pool.md §3.3, §3.8, §6.)

use super::config::{AllocationMode, Ms};
use poolcast_runtime::value::DeallocationOption;

/// A resize error as the pool shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResizeError {
    /// `AccountCoreQuotaReached`.
    pub code: &'static str,
    /// The service's text.
    pub message: String,
    /// Name and value pairs.
    pub values: Vec<(&'static str, String)>,
}

macro_rules! catalogue {
    ($( $name:ident $code:literal $message:literal; )*) => {
        /// Resize error codes (pool.md §3.8).
        #[allow(missing_docs, non_upper_case_globals)]
        pub mod code { $( pub const $name: &str = $code; )* }
        /// Every code with its message.
        pub const CATALOGUE: &[(&str, &str)] = &[ $( ($code, $message), )* ];
    };
}

catalogue! {
    AccountCoreQuota "AccountCoreQuotaReached" "The specified account has reached core quota";
    FamilyQuota "AccountVMSeriesCoreQuotaReached" "The specified account has reached core quota of the VM series";
    LowPriorityQuota "AccountLowPriorityCoreQuotaReached" "The specified account has reached low priority core quota";
    SpotQuota "AccountSpotCoreQuotaReached" "The specified account has reached spot core quota";
    TimedOut "AllocationTimedout" "Desired number of {class} nodes could not be allocated as the resize timeout was reached";
    Failed "AllocationFailed" "Desired number of {class} nodes could not be allocated";
    OutOfCapacity "BatchOutOfCapacity" "The region has no capacity for the requested VM size";
    Overconstrained "OverconstrainedAllocationRequestError" "Allocation failed because the allocation condition is too restrictive. Please remove some constraints and try again";
    InterNode "CommunicationEnabledPoolReachedMaxVMCount" "Communication enabled pool has reached the maximum VM count";
    Stopped "ResizeStopped" "Desired number of nodes could not be allocated due to a stop resize operation";
    RemoveFailed "RemoveNodesFailed" "One or more failures were encountered in removing nodes from the pool";
    UnsupportedSize "UnsupportedVMSize" "Requested VM size is not supported.";
    IncompatibleSize "IncompatibleVMSize" "Requested VM size is not compatible with requested configuration.";
    NotFound "DependentResourceNotFound" "A resource the pool depends on was not found";
    DiskEncryption "DiskEncryptionFailure" "Disk encryption failed on the nodes of the pool";
    Identity "FailedIdentityOperation" "An operation on the identity of the pool failed";
    Marketplace "MissingPublisherPropertyInMarketPlacePlan" "The marketplace plan of the image lacks its publisher";
    PolicyImage "OperationsOnImageRestrictedByPolicy" "A policy restricts operations on images";
    PolicyLoadBalancer "OperationsOnLoadBalancerRestrictedByPolicy" "A policy restricts operations on load balancers";
    PolicyNsg "OperationsOnNetworkSecurityGroupRestrictedByPolicy" "A policy restricts operations on network security groups";
    PolicyEndpoint "OperationsOnPrivateEndpointRestrictedByPolicy" "A policy restricts operations on private endpoints";
    PolicyLink "OperationsOnPrivateLinkRestrictedByPolicy" "A policy restricts operations on private links";
    PolicyIp "OperationsOnPublicIPRestrictedByPolicy" "A policy restricts operations on public IP addresses";
    PolicyNetwork "OperationsOnVirtualNetworkRestrictedByPolicy" "A policy restricts operations on virtual networks";
    Policy "OperationsRestrictedByPolicy" "A policy restricts operations on resources of the pool";
    Unknown "Unknown" "The resize failed for a reason the service does not tell";
}

/// `Reason` of an allocation that found no capacity.
pub const NO_CAPACITY: &str =
    "Deployment allocation failed due to insufficient capacity for the requested VM size in the region.";
/// `Reason` of an internal error.
pub const INTERNAL_ERROR: &str = "The server encountered an internal error.";
/// `Reason` of a subnet that cannot be used.
pub const SUBNET: &str = "Allocation failed as subnet has delegation to external resources.";

/// Node classes in messages.
pub const CLASS_WORDS: [&str; 2] = ["dedicated", "low priority"];

/// The code of the catalogue a text means; codes compare without case (SDKs differ in `AllocationTimedOut`).
pub fn known(code: &str) -> Option<&'static str> {
    CATALOGUE.iter().map(|(c, _)| *c).find(|c| c.eq_ignore_ascii_case(code))
}

/// An error of the catalogue.
pub fn error(code: &'static str, class: usize, reason: Option<&str>) -> ResizeError {
    let text = CATALOGUE.iter().find(|(c, _)| *c == code).map_or("", |(_, text)| *text);
    ResizeError {
        code,
        message: text.replace("{class}", CLASS_WORDS[class]),
        values: reason.map(|r| ("Reason", r.to_string())).into_iter().collect(),
    }
}

/// The code of a Spot quota breach: low priority in Batch-service accounts, Spot in user-subscription ones (C5).
pub fn spot_quota_code(mode: AllocationMode) -> &'static str {
    match mode {
        AllocationMode::BatchService => code::LowPriorityQuota,
        AllocationMode::UserSubscription => code::SpotQuota,
    }
}

/// What a resize may use, in nodes.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Wanted.
    pub target: [u32; 2],
    /// In the pool and staying.
    pub present: [u32; 2],
    /// On order.
    pub ordered: [u32; 2],
    /// Limits of each class alone: (nodes left, code of the breach, reason).
    pub limits: [Vec<Limit>; 2],
    /// Limits of both together.
    pub shared: Vec<Limit>,
}

/// One limit.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// How many more nodes fit.
    pub left: u32,
    /// Code when it bites.
    pub code: &'static str,
    /// Reason value when it bites.
    pub reason: Option<&'static str>,
}

/// What to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Nodes to ask for.
    pub grow: [u32; 2],
    /// Orders to void.
    pub void: [u32; 2],
    /// Nodes to give up.
    pub shrink: [u32; 2],
    /// Limits that bit, one per class.
    pub errors: Vec<ResizeError>,
    /// The class waits for capacity until the timeout.
    pub waits: [bool; 2],
}

/// Plans. Dedicated nodes go first where the classes share a limit.
pub fn plan(ask: &Ask) -> Plan {
    let mut plan = Plan::default();
    let mut taken = 0;
    for class in 0..2 {
        let have = ask.present[class] + ask.ordered[class];
        let target = ask.target[class];
        if target <= have {
            let surplus = have - target;
            plan.void[class] = surplus.min(ask.ordered[class]);
            plan.shrink[class] = surplus - plan.void[class];
            continue;
        }
        let demand = target - have;
        let shared = ask.shared.iter().map(|l| Limit { left: l.left.saturating_sub(taken), ..*l });
        // The first of equally tight limits names the error.
        let tightest = ask.limits[class].iter().copied().chain(shared).min_by_key(|l| l.left);
        let grant = tightest.map_or(demand, |l| l.left.min(demand));
        taken += grant;
        plan.grow[class] = grant;
        if let Some(limit) = tightest.filter(|l| l.left < demand) {
            if limit.code == code::TimedOut {
                plan.waits[class] = true;
            } else {
                plan.errors.push(error(limit.code, class, limit.reason));
            }
        }
    }
    plan
}

/// A resize under way.
#[derive(Debug, Clone)]
pub struct Resize {
    pub(crate) started: Ms,
    pub(crate) option: DeallocationOption,
    pub(crate) from: [u32; 2],
    pub(crate) cause: Cause,
    pub(crate) errors: Vec<ResizeError>,
    pub(crate) waits: [bool; 2],
    pub(crate) stopped: bool,
}

/// Who asked for a resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The pool's creation.
    Create,
    /// A user.
    Manual,
    /// The formula.
    Autoscale,
    /// Removal of given nodes.
    Remove,
    /// The pool's deletion.
    Delete,
}

impl Cause {
    /// A word.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Create => "create",
            Cause::Manual => "manual",
            Cause::Autoscale => "autoscale",
            Cause::Remove => "remove-nodes",
            Cause::Delete => "delete",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limit(left: u32) -> Limit {
        Limit { left, code: code::AccountCoreQuota, reason: None }
    }

    #[test]
    fn five_of_ten_fit_a_quota_of_twenty_cores_of_four_core_nodes() {
        let plan = plan(&Ask { target: [10, 0], limits: [vec![limit(5)], vec![]], ..Ask::default() });
        assert_eq!((plan.grow, plan.errors.len()), ([5, 0], 1));
        assert_eq!(plan.errors[0].message, "The specified account has reached core quota");
    }

    proptest! {
        #[test]
        fn never_over_a_limit_never_more_than_asked_and_idempotent(
            target in [0u32..50, 0u32..50], present in [0u32..50, 0u32..50], ordered in [0u32..20, 0u32..20],
            left in [0u32..60, 0u32..60], shared in 0u32..60,
        ) {
            let ask = Ask { target, present, ordered, limits: [vec![limit(left[0])], vec![limit(left[1])]], shared: vec![limit(shared)] };
            let p = plan(&ask);
            prop_assert!(p.grow[0] + p.grow[1] <= shared);
            for c in 0..2 {
                prop_assert!(p.grow[c] <= left[c] && p.void[c] <= ordered[c] && p.shrink[c] <= present[c]);
                let after = present[c] + ordered[c] + p.grow[c] - p.void[c] - p.shrink[c];
                prop_assert!(p.grow[c] == 0 || p.shrink[c] + p.void[c] == 0);
                prop_assert!(after == target[c] || after < target[c] && !p.errors.is_empty());
            }
            let again = plan(&Ask {
                present: std::array::from_fn(|c| present[c] - p.shrink[c]),
                ordered: std::array::from_fn(|c| ordered[c] + p.grow[c] - p.void[c]),
                limits: std::array::from_fn(|c| vec![limit(left[c] - p.grow[c])]),
                shared: vec![limit(shared - p.grow[0] - p.grow[1])],
                ..ask
            });
            prop_assert_eq!((again.grow, again.void, again.shrink), ([0; 2], [0; 2], [0; 2]));
        }
    }
}
