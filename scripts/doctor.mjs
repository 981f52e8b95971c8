// `npm run doctor`: what is wrong, and what to do.
//
//   npm run doctor                              the environment `local`, and what `npm start` runs
//   npm run doctor -- --env=                    wrangler.toml before it is deployed; --secrets-file FILE looks at secrets too
//   KEY=zk_… npm run doctor -- https://…        a deployment, from outside, with the key of a caller (scopes status, admin)

import { parseArgs } from "node:util";
import { checkConfiguration } from "./doctor/configuration.mjs";
import { checkDeployment } from "./doctor/deployment.mjs";
import { Report } from "./doctor/report.mjs";
import { setup } from "./setup.mjs";
import { stop } from "./shell.mjs";

/** Stands in .dev.vars.local for all to read, and opens nothing elsewhere. */
const LOCAL_KEY = "dev-only-key-0123456789abcdef0123456789";

const USAGE = "npm run doctor, npm run doctor -- --env= [--secrets-file FILE] [--config FILE], or KEY=zk_… npm run doctor -- https://token.example.com";
const options = { env: { type: "string" }, config: { type: "string", default: "wrangler.toml" }, "secrets-file": { type: "string" } };
let asked;
try {
  asked = parseArgs({ options, allowPositionals: true });
} catch (error) {
  stop(error.message, USAGE);
}
const { values, positionals } = asked;
const [origin] = positionals;
if (positionals.length > 1 || (origin && !/^https?:\/\/[^/]+\/?$/.test(origin))) stop("That is no address of a centre.", USAGE);

const report = new Report();
const local = !origin && values.env === undefined;
if (!origin) await checkConfiguration(report, await setup(), { config: values.config, environment: values.env ?? "local", secretsFile: values["secrets-file"] });
if (origin) await checkDeployment(report, { origin, key: process.env.KEY });
if (local) await checkDeployment(report, { origin: `http://127.0.0.1:${process.env.PORT ?? 8787}`, key: process.env.KEY ?? LOCAL_KEY, start: "start it in another shell: npm start" });
process.exitCode = report.end() ? 1 : 0;
