// `npm run deploy`: builds, then hands over to wrangler. Arguments go along, for instance
// `npm run deploy -- --dry-run`.

import { build } from "./build.mjs";
import { node, root, setup, wrangler } from "./setup.mjs";
import { run } from "./shell.mjs";

const env = await setup();
await build(env);
// The top level of wrangler.toml is production; it is named, so that nobody deploys another by chance.
await run(node, [wrangler, "deploy", "--env=", ...process.argv.slice(2)], { cwd: root, env, fix: "read wrangler's message above; `npx wrangler login` if it asks for credentials" });
