//! `GET /v1/apps/{app}/access_token` and `GET /v1/apps/{app}/tickets/{type}`.

use crate::answer::{self, Outcome};
use crate::context::RequestContext;
use crate::{platform, read};
use std::rc::Rc;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::http::bodies::{self, Surface};
use zhongkong_core::http::parameters::min_ttl_s;

/// Hands a credential out, to a caller with the scope that reads it.
///
/// 1. `min_ttl` is a number of seconds, for the token only (400).
/// 2. The credential is read: 404 for a ticket that is not kept, 502 where WeChat refuses, 503
///    where there is none that lives.
pub(crate) async fn show(request: &RequestContext, ready: &Rc<ReadyApp>, credential: Credential) -> Outcome {
    let min_ttl_s = min_ttl_s(request.head().query())?;
    let record = read::live(request, ready, credential, min_ttl_s).await?;
    let body = bodies::credential(Surface::Native, credential, &record, platform::now());
    Ok(answer::json_text(body)?.of_version(record.version))
}
