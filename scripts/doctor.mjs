// `npm run doctor`: what is wrong, and what to do.
//
//   npm run doctor                              the environment `local`, and what `npm start` runs
//   npm run doctor -- --env=                    wrangler.toml before it is deployed; --secrets-file FILE looks at secrets too
//   KEY=zk_… npm run doctor -- https://…        a deployment, from outside, with the key of a caller (scope admin);
//                                               --test-alert sends a message to the receiver of alerts

import { parseArgs } from "node:util";
import { checkConfiguration } from "./doctor/configuration.mjs";
import { checkDeployment } from "./doctor/deployment.mjs";
import { Report } from "./doctor/report.mjs";
import { setup } from "./setup.mjs";
import { stop } from "./shell.mjs";

/** Stands in .dev.vars.local for all to read, and opens nothing elsewhere. */
const LOCAL_KEY = "dev-only-key-0123456789abcdef0123456789";

const USAGE = "npm run doctor, npm run doctor -- --env= [--secrets-file FILE] [--config FILE], or KEY=zk_… npm run doctor -- https://token.example.com [--test-alert]";
const options = { env: { type: "string" }, config: { type: "string", default: "wrangler.toml" }, "secrets-file": { type: "string" }, "test-alert": { type: "boolean", default: false } };
let asked;
try {
  asked = parseArgs({ options, allowPositionals: true });
} catch (error) {
  stop(error.message, USAGE);
}
const { values, positionals } = asked;
if (positionals.length > 1) stop("One address at a time.", USAGE);
const origin = positionals.length ? originOf(positionals[0]) : null;
const key = keyOf(process.env.KEY);

const report = new Report();
const local = !origin && values.env === undefined;
if (!origin) await checkConfiguration(report, await setup(), { config: values.config, environment: values.env ?? "local", secretsFile: values["secrets-file"] });
if (origin) await checkDeployment(report, { origin, key, testAlert: values["test-alert"] });
if (local) await checkDeployment(report, { origin: `http://127.0.0.1:${process.env.PORT ?? 8787}`, key: key ?? LOCAL_KEY, testAlert: values["test-alert"], start: "start it in another shell: npm start" });
process.exitCode = report.end() ? 1 : 0;

/** Of the console's or any other address of the centre, the part that counts. */
function originOf(text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) stop("That is no address of a centre.", USAGE);
  const here = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (url.protocol === "http:" && !here && process.env.KEY) stop("The key would travel unencrypted.", `KEY=zk_… npm run doctor -- https://${url.host}`);
  return url.origin;
}

function keyOf(text) {
  const key = text?.trim();
  if (key && !/^[\x21-\x7e]+$/.test(key)) stop("KEY holds characters that no key has.", "copy the key of a caller once more");
  return key || undefined;
}
