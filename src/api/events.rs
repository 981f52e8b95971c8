//! `GET /v1/apps/{app}/events`: the app's history, newest first.

use crate::answer::{self, Outcome};
use crate::client;
use crate::context::RequestContext;
use serde::Serialize;
use zhongkong_core::app::AppName;
use zhongkong_core::history::{Action, Kind};
use zhongkong_core::http::parameters::{invalid, parameters};
use zhongkong_core::problem::Problem;
use zhongkong_core::protocol::{Entry, Filter};

/// So many lines make a page, unless fewer are asked for; and the most that can be asked for.
const PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 500;

#[derive(Serialize)]
struct Body<'a> {
    app: &'a AppName,
    events: &'a [Entry],
    next: Option<u64>,
}

/// A page of the history.
///
/// 1. `before`, `limit`, `kind`, `action` and `caller` are understood, as far as they are there (400).
/// 2. The Keeper gives the lines (503 when it cannot be reached); `next` is the `before` of the next page.
pub(crate) async fn page(request: &RequestContext, app: &AppName) -> Outcome {
    let filter = filter(request)?;
    let limit = filter.limit;
    let Ok(entries) = client::history(&request.env, app, filter).await else {
        return Err(client::no_answer(app, "ask again in a few seconds."));
    };
    let full = u32::try_from(entries.len()).is_ok_and(|count| count >= limit);
    let next = entries.last().filter(|_| full).map(|entry| entry.id);
    answer::ok(&Body { app, events: &entries, next })
}

fn filter(request: &RequestContext) -> Result<Filter, Problem> {
    let hint = "docs/api.md lists what can be asked for.";
    let [before, limit, kind, action, caller] =
        parameters(request.head().query(), ["before", "limit", "kind", "action", "caller"], hint)?;
    // JavaScript, and so SQLite's numbers here, are exact up to 2^53.
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let number = |text: &str| text.parse::<u64>().ok().filter(|n| digits(text) && *n < 1 << 53);
    let small = |text: &str| u32::try_from(number(text)?).ok().filter(|n| (1..=LARGEST_PAGE).contains(n));
    Ok(Filter {
        before: read(before, number, "before is the \"next\" of the page before.")?,
        limit: read(limit, small, "limit is a number from 1 to 500.")?.unwrap_or(PAGE),
        kind: read(kind, Kind::parse, "kind is access, report, refusal, stranger or upkeep.")?,
        action: read(action, Action::parse, "docs/api.md lists the actions.")?,
        caller,
    })
}

fn read<T>(
    text: Option<String>,
    parse: impl Fn(&str) -> Option<T>,
    hint: &str,
) -> Result<Option<T>, Problem> {
    text.map(|text| parse(&text).ok_or_else(|| invalid(hint))).transpose()
}
