//! A page dump of the retail-prices API → prices in a VM table.
//!
//! In: one page, several after one another, or an array of items; a region and an operating system. Out: the table with
//! those prices and no others. Never: network access; a mix of the shipped prices with imported ones.

use super::{
    import::{Problem, azure},
    scenario::keys::near,
};
use crate::sim::vm::{Micros, VmTable};
use serde::Deserialize;
use std::{collections::BTreeMap, io::Read};

/// Which operating system's price is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Os {
    /// Without a licence.
    #[default]
    Linux,
    /// With a Windows licence.
    Windows,
}

/// What a price file gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceReport {
    /// Items read.
    pub items: u64,
    /// Sizes that now have a dedicated price.
    pub priced: u64,
    /// Currency.
    pub currency: String,
    /// Items left out, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Sizes with a price but unknown to the table, so without family and cores.
    pub unknown: Vec<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Item {
    #[serde(alias = "Items")]
    items: Option<Vec<Item>>,
    currency_code: Option<String>,
    retail_price: Option<f64>,
    arm_region_name: Option<String>,
    arm_sku_name: Option<String>,
    product_name: Option<String>,
    meter_name: Option<String>,
    service_name: Option<String>,
    unit_of_measure: Option<String>,
    #[serde(rename = "type")]
    price_type: Option<String>,
    reservation_term: Option<String>,
    effective_start_date: Option<String>,
}

/// Reads prices of one region (the file's only one, when none is named) and operating system over the sizes of `base`
/// (pool.md §12 has the rules).
pub fn read(body: impl Read, region: Option<&str>, os: Os, base: &VmTable) -> Result<(VmTable, PriceReport), Problem> {
    let mut report = PriceReport::default();
    // Class 0 dedicated, 1 low priority, 2 Spot; of several prices the one that took effect last holds.
    let mut regions: BTreeMap<String, BTreeMap<(String, usize), (String, Micros)>> = BTreeMap::new();
    let mut take = |item: Item| -> Option<&'static str> {
        report.items += 1;
        let has = |text: &Option<String>, part: &str| text.as_deref().is_some_and(|t| t.contains(part));
        if item.service_name.as_deref().is_some_and(|s| s != "Virtual Machines") {
            return Some("not a virtual machine");
        }
        if item.price_type.as_deref().is_some_and(|t| t != "Consumption") || item.reservation_term.is_some() {
            return Some("a reservation or dev/test price");
        }
        if item.unit_of_measure.as_deref().is_some_and(|u| u != "1 Hour") {
            return Some("not per hour");
        }
        let at = item.arm_region_name.clone().unwrap_or_default().to_ascii_lowercase();
        let found = regions.entry(at.clone()).or_default();
        if region.is_some_and(|r| !at.eq_ignore_ascii_case(r)) {
            return Some("another region");
        }
        if has(&item.product_name, " Windows") != (os == Os::Windows) {
            return Some("another operating system");
        }
        let (Some(size), Some(price)) =
            (item.arm_sku_name.filter(|s| !s.is_empty()), item.retail_price.filter(|p| *p > 0.0))
        else {
            return Some("no size or no price");
        };
        if has(&item.product_name, "CloudServices") || has(&item.product_name, "Cloud Services") {
            return Some("a cloud service, not a virtual machine");
        }
        let class = if has(&item.meter_name, "Low Priority") {
            1
        } else if has(&item.meter_name, " Spot") {
            2
        } else {
            0
        };
        if let Some(c) = item.currency_code {
            report.currency = c;
        }
        let since = item.effective_start_date.unwrap_or_default();
        let entry = found.entry((size, class)).or_insert_with(|| (since.clone(), Micros::from_units(price)));
        if since > entry.0 {
            *entry = (since, Micros::from_units(price));
        }
        None
    };
    let mut skipped: BTreeMap<&'static str, u64> = BTreeMap::new();
    azure::each::<Item, _>(body, |page, _| {
        let list = match page.items {
            Some(list) => list,
            None => vec![page],
        };
        for item in list {
            if let Some(reason) = take(item) {
                *skipped.entry(reason).or_default() += 1;
            }
        }
        Ok(())
    })?;
    report.skipped = skipped;
    let seen: Vec<String> = regions.keys().cloned().collect();
    let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
    let chosen = match (region, seen.as_slice()) {
        (Some(r), _) => r.to_ascii_lowercase(),
        (None, [only]) => only.to_string(),
        (None, []) => String::new(),
        (None, [..]) => {
            return Err(Problem::row(0, format!("has prices of {} regions", seen.len()))
                .help(format!("choose one with --region, or prices.region: {}", seen.join(", "))));
        }
    };
    let found = regions.remove(&chosen).unwrap_or_default();
    if found.is_empty() {
        let (message, help) = if seen.contains(&chosen.as_str()) {
            let other = if os == Os::Linux { "windows" } else { "linux" };
            (format!("no hourly {os:?} price for region `{chosen}`"), format!("prices.os = \"{other}\" may have some"))
        } else if seen.is_empty() {
            (
                "no hourly price of a virtual machine".to_string(),
                "expected a page of prices.azure.com/api/retail/prices".to_string(),
            )
        } else {
            (format!("no price for region `{chosen}`"), near(&chosen, &seen))
        };
        return Err(Problem::row(0, format!("{message} among {} items", report.items)).help(help));
    }
    let mut table = base.clone().without_prices();
    for ((size, class), (_, price)) in found {
        let Some(known) = table.get_mut(&size) else {
            if report.unknown.last() != Some(&size) {
                report.unknown.push(size);
            }
            continue;
        };
        match class {
            0 => {
                known.regular = Some(price);
                report.priced += 1;
            }
            1 => known.low_priority = Some(price),
            _ => known.spot = Some(price),
        }
    }
    table.source =
        format!("price file, {chosen}, {os:?}, {}", if report.currency.is_empty() { "USD" } else { &report.currency });
    Ok((table, report))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(size: &str, product: &str, meter: &str, price: f64, since: &str) -> String {
        format!(
            r#"{{"currencyCode":"USD","retailPrice":{price},"armRegionName":"westeurope","armSkuName":"{size}","productName":"{product}","meterName":"{meter}","serviceName":"Virtual Machines","unitOfMeasure":"1 Hour","type":"Consumption","effectiveStartDate":"{since}"}}"#
        )
    }

    #[test]
    fn classes_systems_and_dates_are_told_apart() {
        let items = [
            item("Standard_D2_v3", "Virtual Machines Dv3 Series", "D2 v3", 0.10, "2020-01-01T00:00:00Z"),
            item("Standard_D2_v3", "Virtual Machines Dv3 Series", "D2 v3", 0.12, "2023-01-01T00:00:00Z"),
            item("Standard_D2_v3", "Virtual Machines Dv3 Series Windows", "D2 v3", 0.21, "2023-01-01T00:00:00Z"),
            item("Standard_D2_v3", "Virtual Machines Dv3 Series", "D2 v3 Spot", 0.03, "2023-01-01T00:00:00Z"),
            item("Standard_D2_v3", "Virtual Machines Dv3 Series", "D2 v3 Low Priority", 0.025, "2023-01-01T00:00:00Z"),
            item("Standard_Z9_v9", "Virtual Machines Zv9 Series", "Z9 v9", 9.0, "2023-01-01T00:00:00Z"),
        ];
        let page =
            format!(r#"{{"BillingCurrency":"USD","Items":[{}],"NextPageLink":null,"Count":6}}"#, items.join(","));
        let (t, r) = read(page.as_bytes(), Some("westeurope"), Os::Linux, VmTable::built_in()).unwrap();
        let d = t.get("Standard_D2_v3").unwrap();
        assert_eq!(
            (d.regular, d.low_priority, d.spot),
            (Some(Micros(120_000)), Some(Micros(25_000)), Some(Micros(30_000)))
        );
        assert_eq!((r.items, r.priced, r.unknown), (6, 1, vec!["Standard_Z9_v9".to_string()]));
        assert_eq!(t.get("Standard_D4_v3").unwrap().regular, None, "shipped prices do not leak in");
        let (w, _) = read(page.as_bytes(), Some("westeurope"), Os::Windows, VmTable::built_in()).unwrap();
        assert_eq!(w.get("Standard_D2_v3").unwrap().regular, Some(Micros(210_000)));
        let (only, r) = read(page.as_bytes(), None, Os::Linux, VmTable::built_in()).unwrap();
        assert_eq!((only, r.currency.as_str()), (t, "USD"), "one region need not be named");
        let fails = |page: &str, region, os| {
            let e = read(page.as_bytes(), region, os, VmTable::built_in()).unwrap_err();
            (e.text, e.help)
        };
        let (text, help) = fails(&page, Some("westeuropa"), Os::Linux);
        assert!(text.contains("`westeuropa`") && help.contains("did you mean `westeurope`"), "{text}, {help}");
        let two = format!("{page}{}", page.replace("westeurope", "eastus"));
        let (text, help) = fails(&two, None, Os::Linux);
        assert!(text.contains("2 regions") && help.contains("eastus, westeurope"), "{text}, {help}");
        let (text, help) = fails(&page.replace(" Windows", ""), Some("westeurope"), Os::Windows);
        assert!(text.contains("no hourly Windows price") && help.contains("linux"), "{text}, {help}");
        assert!(fails("[]", None, Os::Linux).1.contains("retail"));
    }
}
