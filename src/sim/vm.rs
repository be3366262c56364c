//! What a node is and what it costs: VM sizes, quota families, vCPUs, prices.
//!
//! In: the dated table beside this file, price overrides. Out: one `VmSize` per name, or an error naming near ones. Never:
//! network access, a guessed price.

use std::{collections::BTreeMap, fmt, sync::OnceLock};

/// The date of the built-in table.
pub const TABLE_DATE: &str = "2025-03-04";
/// Where the built-in prices apply.
pub const TABLE_REGION: &str = "westeurope";
const TABLE: &str = include_str!("vm_sizes.csv");

/// Money in millionths of the currency unit. Integer, so that sums do not depend on their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub i64);

impl Micros {
    /// Nearest integer number of millionths.
    pub fn from_units(units: f64) -> Micros {
        Micros((units * 1e6).round() as i64)
    }
    /// As a number of currency units, for printing.
    pub fn units(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// One VM size.
#[derive(Debug, Clone, PartialEq)]
pub struct VmSize {
    /// The name, e.g. `Standard_D4ds_v5`.
    pub name: String,
    /// The quota family its dedicated cores count against (spelled as the service spells it, spaces and all).
    pub family: String,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory, GiB.
    pub memory_gib: f64,
    /// Temporary disk, GiB.
    pub temp_gib: f64,
    /// GPUs.
    pub gpus: u32,
    /// Price per hour, dedicated.
    pub regular: Option<Micros>,
    /// Price per hour, low priority (Batch-managed accounts).
    pub low_priority: Option<Micros>,
    /// Price per hour, Spot (user-subscription accounts). Only from a price file: the built-in table has none.
    pub spot: Option<Micros>,
}

impl VmSize {
    /// The most task slots a node of this size may have (pool.md §6.4).
    pub fn max_slots(&self) -> u32 {
        (4 * self.vcpus).clamp(1, 256)
    }
    /// The preemptible price: Spot where known, else low priority, else `ratio` of the dedicated price (pool.md §12).
    pub fn preemptible(&self, ratio: f64) -> Option<Micros> {
        self.spot
            .or(self.low_priority)
            .or_else(|| self.regular.map(|Micros(m)| Micros((m as f64 * ratio).round() as i64)))
    }
}

/// A set of VM sizes, looked up without regard to case.
#[derive(Debug, Clone, PartialEq)]
pub struct VmTable {
    sizes: BTreeMap<String, VmSize>,
    /// Where the prices come from, for the report.
    pub source: String,
}

/// A VM size that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSize {
    /// What was asked for.
    pub asked: String,
    /// Up to three near names, nearest first.
    pub near: Vec<String>,
}

impl fmt::Display for UnknownSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown VM size `{}`", self.asked)?;
        if !self.near.is_empty() {
            write!(f, "; did you mean `{}`?", self.near.join("`, `"))?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownSize {}

impl VmTable {
    /// The table shipped with the program: [`TABLE_DATE`], [`TABLE_REGION`], Linux, US dollars.
    pub fn built_in() -> &'static VmTable {
        static CELL: OnceLock<VmTable> = OnceLock::new();
        CELL.get_or_init(|| {
            let mut sizes = BTreeMap::new();
            for line in TABLE.lines().filter(|l| !l.starts_with('#')).skip(1) {
                if let Some(size) = row(line) {
                    sizes.insert(size.name.to_ascii_lowercase(), size);
                }
            }
            VmTable { sizes, source: format!("built-in sample table of {TABLE_DATE}, {TABLE_REGION}, Linux, USD") }
        })
    }

    /// The size of that name.
    pub fn get(&self, name: &str) -> Result<&VmSize, UnknownSize> {
        self.sizes
            .get(&name.to_ascii_lowercase())
            .ok_or_else(|| UnknownSize { asked: name.to_string(), near: self.near(name) })
    }

    /// All sizes in name order.
    pub fn iter(&self) -> impl Iterator<Item = &VmSize> {
        self.sizes.values()
    }

    /// Number of sizes.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// The size to change, by name; for price files.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut VmSize> {
        self.sizes.get_mut(&name.to_ascii_lowercase())
    }

    /// Adds or replaces a size (a size the shipped table does not know).
    pub fn insert(&mut self, size: VmSize) {
        self.sizes.insert(size.name.to_ascii_lowercase(), size);
    }

    /// Drops every price, so that a price file replaces the table's prices and never mixes with them.
    pub fn without_prices(mut self) -> VmTable {
        for size in self.sizes.values_mut() {
            (size.regular, size.low_priority, size.spot) = (None, None, None);
        }
        self
    }

    fn near(&self, name: &str) -> Vec<String> {
        let asked = bare(name);
        let mut scored: Vec<(f64, &str)> = self
            .sizes
            .values()
            .map(|s| (strsim::jaro_winkler(&asked, &bare(&s.name)), s.name.as_str()))
            .filter(|(score, _)| *score > 0.8)
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        scored.into_iter().take(3).map(|(_, n)| n.to_string()).collect()
    }
}

/// The part of a size name people mistype: without `Standard_`, separators and case.
fn bare(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    lower.strip_prefix("standard").unwrap_or(&lower).chars().filter(|c| c.is_ascii_alphanumeric()).collect()
}

fn row(line: &str) -> Option<VmSize> {
    let f: Vec<&str> = line.split(',').collect();
    let &[name, family, vcpus, memory, temp, gpus, regular, low] = f.as_slice() else { return None };
    let price = |s: &str| s.parse().ok().map(Micros::from_units);
    Some(VmSize {
        name: name.to_string(),
        family: family.to_string(),
        vcpus: vcpus.parse().ok()?,
        memory_gib: memory.parse().ok()?,
        temp_gib: temp.parse().unwrap_or(0.0),
        gpus: gpus.parse().unwrap_or(0),
        regular: price(regular),
        low_priority: price(low),
        spot: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = TABLE.lines().filter(|l| !l.starts_with('#')).count() - 1;
        assert_eq!(VmTable::built_in().len(), rows);
        assert_eq!(rows, 338);
    }

    #[test]
    fn a_known_size_has_the_documented_numbers() {
        let d = VmTable::built_in().get("standard_d4DS_v5").unwrap();
        assert_eq!((d.vcpus, d.max_slots(), d.family.as_str()), (4, 16, "standardDDSv5Family"));
        assert_eq!((d.regular, d.low_priority), (Some(Micros(272_000)), Some(Micros(54_400))));
        assert_eq!(VmTable::built_in().get("Standard_HB120rs_v3").unwrap().max_slots(), 256);
    }

    #[test]
    fn a_misspelt_size_is_answered_with_near_names() {
        let e = VmTable::built_in().get("Standard_D4_dsv5").unwrap_err();
        assert!(e.near.iter().any(|n| n.eq_ignore_ascii_case("Standard_D4ds_v5")), "{e}");
        assert!(VmTable::built_in().get("banana").unwrap_err().near.is_empty());
    }
}
