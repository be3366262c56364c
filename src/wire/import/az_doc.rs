//! The fields of `az batch … -o json` documents this program reads, and no other.
//!
//! In: JSON, camelCase or snake_case. Out: [`Doc`]. Never: a field for a command line, an environment setting, a resource
//! file, an identity: what has no field here is skipped by the parser and never becomes a value.

use serde::Deserialize;

/// Any of the documents: every field this program reads, and no other.
#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Doc {
    pub(super) value: Option<Vec<Doc>>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
    pub(super) state: Option<String>,
    #[serde(alias = "creation_time")]
    pub(super) creation_time: Option<String>,
    #[serde(alias = "state_transition_time")]
    pub(super) state_transition_time: Option<String>,
    // Tasks.
    #[serde(alias = "required_slots")]
    pub(super) required_slots: Option<u64>,
    #[serde(alias = "depends_on")]
    pub(super) depends_on: Option<DependsOn>,
    #[serde(alias = "multi_instance_settings")]
    pub(super) multi_instance_settings: Option<MultiInstance>,
    pub(super) constraints: Option<Constraints>,
    #[serde(alias = "execution_info")]
    pub(super) execution_info: Option<ExecutionInfo>,
    // Jobs.
    pub(super) priority: Option<i32>,
    #[serde(alias = "pool_info")]
    pub(super) pool_info: Option<PoolInfo>,
    #[serde(alias = "uses_task_dependencies")]
    pub(super) uses_task_dependencies: Option<bool>,
    #[serde(alias = "on_all_tasks_complete")]
    pub(super) on_all_tasks_complete: Option<String>,
    // Pools.
    #[serde(alias = "vm_size")]
    pub(super) vm_size: Option<String>,
    #[serde(alias = "allocation_state")]
    pub(super) allocation_state: Option<String>,
    #[serde(alias = "task_slots_per_node", alias = "max_tasks_per_node", alias = "maxTasksPerNode")]
    pub(super) task_slots_per_node: Option<u32>,
    #[serde(alias = "target_dedicated_nodes")]
    pub(super) target_dedicated_nodes: Option<u32>,
    #[serde(alias = "target_low_priority_nodes")]
    pub(super) target_low_priority_nodes: Option<u32>,
    #[serde(alias = "auto_scale_formula")]
    pub(super) auto_scale_formula: Option<String>,
    #[serde(alias = "auto_scale_evaluation_interval")]
    pub(super) auto_scale_evaluation_interval: Option<String>,
    #[serde(alias = "scale_settings")]
    pub(super) scale_settings: Option<ScaleSettings>,
    #[serde(alias = "resize_timeout")]
    pub(super) resize_timeout: Option<String>,
    #[serde(alias = "enable_inter_node_communication", alias = "interNodeCommunication")]
    pub(super) enable_inter_node_communication: Option<serde_json::Value>,
    #[serde(alias = "task_scheduling_policy")]
    pub(super) task_scheduling_policy: Option<FillPolicy>,
    // Nodes.
    #[serde(alias = "allocation_time")]
    pub(super) allocation_time: Option<String>,
    #[serde(alias = "last_boot_time")]
    pub(super) last_boot_time: Option<String>,
    #[serde(alias = "is_dedicated")]
    pub(super) is_dedicated: Option<bool>,
    #[serde(alias = "scheduling_state")]
    pub(super) scheduling_state: Option<String>,
    #[serde(alias = "start_task_info")]
    pub(super) start_task_info: Option<ExecutionInfo>,
    // Accounts.
    #[serde(alias = "dedicated_core_quota")]
    pub(super) dedicated_core_quota: Option<u64>,
    #[serde(alias = "low_priority_core_quota")]
    pub(super) low_priority_core_quota: Option<u64>,
    #[serde(alias = "dedicated_core_quota_per_vm_family", alias = "dedicatedCoreQuotaPerVMFamily")]
    pub(super) dedicated_core_quota_per_vm_family: Option<Vec<FamilyQuota>>,
    #[serde(alias = "dedicated_core_quota_per_vm_family_enforced", alias = "dedicatedCoreQuotaPerVMFamilyEnforced")]
    pub(super) dedicated_core_quota_per_vm_family_enforced: Option<bool>,
    #[serde(alias = "pool_quota")]
    pub(super) pool_quota: Option<u64>,
    #[serde(alias = "active_job_and_job_schedule_quota")]
    pub(super) active_job_and_job_schedule_quota: Option<u64>,
    #[serde(alias = "pool_allocation_mode")]
    pub(super) pool_allocation_mode: Option<String>,
    pub(super) properties: Option<Box<Doc>>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DependsOn {
    #[serde(alias = "task_ids")]
    pub(super) task_ids: Option<Vec<String>>,
    #[serde(alias = "task_id_ranges")]
    pub(super) task_id_ranges: Option<Vec<IdRange>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct IdRange {
    pub(super) start: i64,
    pub(super) end: i64,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MultiInstance {
    #[serde(alias = "number_of_instances")]
    pub(super) number_of_instances: Option<u32>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Constraints {
    #[serde(alias = "max_wall_clock_time")]
    pub(super) max_wall_clock_time: Option<String>,
    #[serde(alias = "max_task_retry_count")]
    pub(super) max_task_retry_count: Option<i32>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExecutionInfo {
    #[serde(alias = "start_time")]
    pub(super) start_time: Option<String>,
    #[serde(alias = "end_time")]
    pub(super) end_time: Option<String>,
    #[serde(alias = "exit_code")]
    pub(super) exit_code: Option<i32>,
    #[serde(alias = "retry_count")]
    pub(super) retry_count: Option<u32>,
    #[serde(alias = "requeue_count")]
    pub(super) requeue_count: Option<u32>,
    pub(super) result: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PoolInfo {
    #[serde(alias = "pool_id")]
    pub(super) pool_id: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScaleSettings {
    #[serde(alias = "fixed_scale")]
    pub(super) fixed_scale: Option<FixedScale>,
    #[serde(alias = "auto_scale")]
    pub(super) auto_scale: Option<AutoScale>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FixedScale {
    #[serde(alias = "target_dedicated_nodes")]
    pub(super) target_dedicated_nodes: Option<u32>,
    #[serde(alias = "target_low_priority_nodes")]
    pub(super) target_low_priority_nodes: Option<u32>,
    #[serde(alias = "resize_timeout")]
    pub(super) resize_timeout: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AutoScale {
    pub(super) formula: Option<String>,
    #[serde(alias = "evaluation_interval")]
    pub(super) evaluation_interval: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FillPolicy {
    #[serde(alias = "node_fill_type")]
    pub(super) node_fill_type: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FamilyQuota {
    pub(super) name: String,
    #[serde(alias = "core_quota")]
    pub(super) core_quota: u64,
}
