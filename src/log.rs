//! One JSON object a line, one line an event: `event`, and fields with the words of the design.
//!
//! Never logged: secrets, keys, values of credentials, URLs and bodies of requests to WeChat, texts
//! of errors that may hold them.

use serde_json::{Value, json};
use worker::{console_error, console_log};

/// Something that belongs to normal operation.
pub(crate) fn info(event: &str, fields: Value) {
    console_log!("{}", line("info", event, fields));
}

/// Something that a person should see.
pub(crate) fn error(event: &str, fields: Value) {
    console_error!("{}", line("error", event, fields));
}

fn line(level: &str, event: &str, fields: Value) -> Value {
    let mut line = json!({"level": level, "event": event});
    if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
        line.extend(fields);
    }
    line
}
