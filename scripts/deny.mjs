// The supply chain: licences, sources, duplicates and known holes of every crate (deny.toml).

import { delimiter, join } from "node:path";
import { root, tool } from "./setup.mjs";
import { run, say } from "./shell.mjs";

const CARGO_DENY = "0.20.2";

export async function deny(base) {
  const cargoDeny = await tool("cargo-deny", CARGO_DENY, "about 4 minutes", ["--no-default-features"]);
  const env = { ...base, PATH: [join(cargoDeny, "bin"), base.PATH].join(delimiter) };
  for (const cwd of [root, join(root, "fuzz")]) {
    const args = ["deny", "--log-level", "error", "--config", join(root, "deny.toml"), "check"];
    await run("cargo", [...args, "bans", "licenses", "sources"], { cwd, env, quiet: true, fix: "see deny.toml: each exception there has its reason" });
    // The advisory database is a git repository on GitHub, which not every machine can reach.
    if (!(await run("cargo", ["deny", "fetch", "db"], { cwd: root, env, mayFail: true }))) {
      say("known holes (advisories) are left out: their database cannot be reached from here");
      continue;
    }
    await run("cargo", [...args, "advisories"], { cwd, env, quiet: true, fix: "take the version that the advisory names" });
  }
}
