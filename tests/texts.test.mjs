// The console's texts: each name that is used has one in both languages, and so has each word that the API may say.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../scripts/setup.mjs";

const folder = join(root, "assets", "console", "js");
const scripts = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
const texts = new Map([...readFileSync(join(folder, "i18n.js"), "utf8").matchAll(/^ {2}"([^"]+)": \["(.*)", "(.*)"\],$/gm)].map(([, name, zh, en]) => [name, { zh, en }]));
const rust = (file) => readFileSync(join(root, "crates", "core", "src", file), "utf8");

/** What a `name()` or `word()` of the core may give: `Self::X => "x"`. */
const words = (text) => [...text.matchAll(/Self::\w+(?:\([^)]*\)| \{ \.\. \})? => "([a-z_]+)"/g)].map(([, word]) => word);

test("every text that is used is there, in both languages, and none is there for nothing", () => {
  assert.ok(texts.size > 150, `${texts.size} texts`);
  for (const [name, { zh, en }] of texts) {
    assert.ok(zh && en, name);
    assert.deepEqual((zh.match(/\{\d\}/g) ?? []).sort(), (en.match(/\{\d\}/g) ?? []).sort(), `${name} has the same gaps`);
  }
  const used = new Set(scripts.flatMap((text) => [...text.matchAll(/"([a-z_]+(?:\.[a-z0-9_]+)+)"/g)].map(([, name]) => name)));
  const groups = new Set(scripts.flatMap((text) => [...text.matchAll(/t\((?:[^`"]*\? )?`([a-z_.]+)\.\$\{/g), ...text.matchAll(/word\("([a-z]+)"/g)].map(([, group]) => group)));
  const direct = new Set(scripts.flatMap((text) => [...text.matchAll(/\bt\((?:[^"()]*\? )?"([a-z_.0-9]+)"(?: : "([a-z_.0-9]+)")?/g)].flatMap(([, one, other]) => [one, other]).filter(Boolean)));
  for (const name of direct) assert.ok(texts.has(name), `${name} is used, and there is no text`);
  for (const name of texts.keys()) {
    const group = name.slice(0, name.lastIndexOf("."));
    assert.ok(direct.has(name) || used.has(name) || groups.has(group), `${name} is never used`);
  }
});

test("every word that the API may say has a text", () => {
  const expected = {
    action: words(rust("history/words.rs")).filter((word) => !["status", "events", "access", "refusal", "stranger", "upkeep"].includes(word)),
    kind: ["access", "report", "refusal", "stranger", "upkeep"],
    class: [...words(rust("engine/reply.rs")), "unreachable", "unwell", "garbled", "no_token", "dead_again", "ledger_full", "lost"],
    result: [...new Set([...rust("problem.rs").matchAll(/\(\d{3}, "([a-z_]+)"/g)].map(([, code]) => code)), ...[...rust("history/upkeep.rs").matchAll(/=> "([a-z_]+)"/g)].map(([, word]) => word)],
    state: ["ok", "retrying", "down", "empty", "misconfigured", "unknown"],
    "sign.verdict": ["right", "other_url", "unknown"],
  };
  for (const [group, names] of Object.entries(expected)) {
    assert.ok(names.length >= 3, `${group}: ${names}`);
    for (const name of names) assert.ok(texts.has(`${group}.${name}`), `${group}.${name}`);
  }
});
