// The list of log events and the code agree.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../scripts/setup.mjs";

/** Every `log::info("event"`, `log::warn(…` and `log::error(…` of the Worker, and what src/entry.js writes. */
function events() {
  const files = readdirSync(join(root, "src"), { recursive: true }).filter((file) => /\.(rs|js)$/.test(file));
  const texts = files.map((file) => readFileSync(join(root, "src", file), "utf8"));
  return new Set(texts.flatMap((text) => [...text.matchAll(/log::(?:info|warn|error)\(\s*"([a-z_]+)"|event: "([a-z_]+)"/g)].map(([, rust, script]) => rust ?? script)));
}

test("docs/logging.md lists every event of the log, and no other", () => {
  const rows = readFileSync(join(root, "docs", "logging.md"), "utf8").split("\n").filter((line) => line.startsWith("| `"));
  const listed = new Set(rows.flatMap((row) => [...row.split("|")[1].matchAll(/`([a-z_]+)`/g)].map(([, name]) => name)));
  const logged = events();
  assert.ok(logged.size > 30, `${logged.size} events`);
  assert.deepEqual([...listed].sort(), [...logged].sort());
});
