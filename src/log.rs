//! One JSON object a line, one line an event: `event`, and fields with the words of the design. docs/logging.md lists them.
//!
//! Never logged: secrets, keys, values of credentials, URLs and bodies of requests to WeChat, texts
//! of errors that may hold them.

use serde_json::{Value, json};
use std::cell::Cell;
use worker::{console_error, console_log, console_warn};
use zhongkong_core::config::LogLevel;

thread_local! {
    /// Until the configuration has been read, everything is logged.
    static LEVEL: Cell<LogLevel> = const { Cell::new(LogLevel::Info) };
}

/// From here on only this and what is graver is logged (`LOG_LEVEL`).
pub(crate) fn set_level(level: LogLevel) {
    LEVEL.set(level);
}

/// Something that belongs to normal operation.
pub(crate) fn info(event: &str, fields: Value) {
    if LEVEL.get() >= LogLevel::Info {
        console_log!("{}", line(LogLevel::Info, event, fields));
    }
}

/// Something that heals by itself, unless it goes on.
pub(crate) fn warn(event: &str, fields: Value) {
    if LEVEL.get() >= LogLevel::Warn {
        console_warn!("{}", line(LogLevel::Warn, event, fields));
    }
}

/// Something that a person should do something about.
pub(crate) fn error(event: &str, fields: Value) {
    console_error!("{}", line(LogLevel::Error, event, fields));
}

fn line(level: LogLevel, event: &str, fields: Value) -> Value {
    let mut line = json!({"level": level.name(), "event": event});
    if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
        line.extend(fields);
    }
    line
}
