//! Reads settings from standard input and prints every fault as JSON: what `npm run doctor` asks before a deployment. The
//! rules are those of the Worker, because it is the same code.
//!
//! Input: `{"vars": {…}, "secrets": {"NAME": "value"}, "unseen": ["NAME"], "bindings": ["TOKENS", "KEEPER", "SCHEDULER"]}`. `unseen`
//! secrets are there, but their values are not known; with `"unseen": null` nothing is known of any secret.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use zhongkong_core::config::{Config, Raw};
use zhongkong_core::secret::Secret;

#[derive(Deserialize)]
struct Input {
    vars: Map<String, Value>,
    secrets: BTreeMap<String, String>,
    unseen: Option<Vec<String>>,
    bindings: Vec<String>,
}

/// A value of the right form, for a secret whose own is not known.
fn stand_in(name: &str) -> Option<String> {
    if name.starts_with("APP_SECRET_") {
        Some("0123456789abcdef0123456789abcdef".to_owned())
    } else if name == "SEAL_KEY" {
        Some("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned())
    } else {
        name.strip_prefix("CALLER_KEY_").map(|caller| format!("stand-in-for-a-key-0123456789abcdef-{caller}"))
    }
}

fn main() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let input: Input = serde_json::from_str(&text)?;
    let secret = |name: &str| {
        let var = || input.vars.get(name).and_then(Value::as_str).map(str::to_owned);
        let unseen = || match &input.unseen {
            None => !name.ends_with("_NEXT") && !name.ends_with("_PREVIOUS"),
            Some(names) => names.iter().any(|known| known == name),
        };
        let found = input.secrets.get(name).cloned().or_else(var);
        found.or_else(|| unseen().then(|| stand_in(name)).flatten()).map(Secret::new)
    };
    let bound = |name: &str| input.bindings.iter().any(|bound| bound == name);
    let config = Config::read(&Raw {
        apps: input.vars.get("APPS").cloned(),
        callers: input.vars.get("CALLERS").cloned(),
        store: input.vars.get("STORE").and_then(Value::as_str).map(str::to_owned),
        secret: &secret,
        to_ascii: &|host| idna::domain_to_ascii(host).ok(),
        has_tokens: bound("TOKENS"),
        has_db: bound("DB"),
        has_keeper: bound("KEEPER"),
        has_scheduler: bound("SCHEDULER"),
    });
    let faults: Vec<Value> = config
        .faults
        .iter()
        .map(|fault| json!({"setting": fault.setting, "problem": fault.problem, "fix": fault.fix}))
        .collect();
    println!("{}", json!({"faults": faults, "apps": config.apps.len(), "alerts": config.webhook.is_some()}));
    Ok(())
}
