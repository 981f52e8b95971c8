//! One JSON object a line, one line an event: `event`, and fields with the words of the design. docs/logging.md lists them.
//!
//! Never logged: secrets, keys, values of credentials, URLs and bodies of requests to WeChat, texts
//! of errors that may hold them.

use crate::glue;
use std::cell::Cell;
use zhongkong_core::config::LogLevel;
use zhongkong_core::json;

/// Names and values, beside `level` and `event`.
pub(crate) type Fields<'f> = &'f [(&'f str, &'f dyn json::Written)];

thread_local! {
    /// Until the configuration has been read, everything is logged.
    static LEVEL: Cell<LogLevel> = const { Cell::new(LogLevel::Info) };
}

/// From here on only this and what is graver is logged (`LOG_LEVEL`).
pub(crate) fn set_level(level: LogLevel) {
    LEVEL.set(level);
}

/// Something that belongs to normal operation.
pub(crate) fn info(event: &str, fields: Fields<'_>) {
    if LEVEL.get() >= LogLevel::Info {
        glue::log("log", &line(LogLevel::Info, event, fields));
    }
}

/// Something that heals by itself, unless it goes on.
pub(crate) fn warn(event: &str, fields: Fields<'_>) {
    if LEVEL.get() >= LogLevel::Warn {
        glue::log("warn", &line(LogLevel::Warn, event, fields));
    }
}

/// Something that a person should do something about.
pub(crate) fn error(event: &str, fields: Fields<'_>) {
    glue::log("error", &line(LogLevel::Error, event, fields));
}

fn line(level: LogLevel, event: &str, fields: Fields<'_>) -> String {
    let mut line: Vec<(&str, &dyn json::Written)> = Vec::with_capacity(2 + fields.len());
    let level = level.name();
    line.extend([("level", &level as &dyn json::Written), ("event", &event)]);
    line.extend(fields);
    json::object(&line).into_text()
}
