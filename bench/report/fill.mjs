// Puts what was measured into a document.

import { readFileSync, writeFileSync } from "node:fs";
import { stop } from "../../scripts/shell.mjs";

/** Puts a text between the marks `<!-- COMMAND -->` and `<!-- end -->` of a file. */
export function fill(file, text, command) {
  const [begin, end] = [`<!-- ${command} -->`, "<!-- end -->"];
  const before = readFileSync(file, "utf8");
  const from = before.indexOf(begin);
  const to = before.indexOf(end, from);
  if (from < 0 || to < from) stop(`${file} has no place for the tables.`, `put ${begin} and ${end} where they belong`);
  writeFileSync(file, `${before.slice(0, from + begin.length)}\n\n${text}\n\n${before.slice(to)}`);
}
