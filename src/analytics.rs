//! Data points for Analytics Engine, where `ANALYTICS` is bound: one for each line of the history, and one for each source
//! that reads were served from. They are written beside the history, and cost no I/O of ours.
//!
//! index1: the app. blob1 to blob6: kind, action, credential, caller, result, errcode (empty where there is none).
//! double1: how often. double2: the version. Reads by source have the kind `source`, the action `read` and the source as
//! result.

use crate::bindings::Centre;
use crate::log;
use serde_json::json;
use worker::AnalyticsEngineDataPointBuilder;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::history::Line;
use zhongkong_core::tally::Reads;

/// Tells of a line.
pub(crate) fn tell(centre: &Centre, app: &AppName, line: &Line) {
    let errcode = line.errcode.map(|errcode| errcode.to_string());
    let blobs = [
        line.kind.name(),
        line.action.name(),
        line.credential.map_or("", Credential::name),
        line.caller.as_deref().unwrap_or_default(),
        &line.result,
        errcode.as_deref().unwrap_or_default(),
    ];
    write(centre, app, blobs, line.count, line.version.map_or(0, Version::number));
}

/// Tells where reads were served from.
pub(crate) fn tell_reads(centre: &Centre, app: &AppName, reads: Reads) {
    for count in reads.counts() {
        write(centre, app, ["source", "read", "", "", &count.outcome, ""], count.count, 0);
    }
}

#[expect(clippy::cast_precision_loss, reason = "doubles are what the dataset takes")]
fn write(centre: &Centre, app: &AppName, blobs: [&str; 6], count: u64, version: u64) {
    let Some(dataset) = &centre.analytics else { return };
    let point = AnalyticsEngineDataPointBuilder::new()
        .indexes([app.as_str()])
        .blobs(blobs)
        .doubles([count as f64, version as f64])
        .build();
    if let Err(error) = dataset.write_data_point(&point) {
        log::warn("analytics_failed", json!({"app": app, "detail": error.to_string()}));
    }
}
