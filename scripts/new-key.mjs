// `npm run new-key -- NAME`: a caller's key, and what to do with it. The key is shown once.

import { randomBytes } from "node:crypto";

const name = process.argv[2] ?? "web";
if (!/^[a-z0-9-]{1,32}$/.test(name)) {
  console.error("✗ A caller's name is 1 to 32 of a-z, 0-9 and -.\n  To mend it: npm run new-key -- web");
  process.exit(2);
}
const setting = `CALLER_KEY_${name.toUpperCase().replaceAll("-", "_")}`;
/** Whoever looks after the centre: the console, the doctor. It opens no token. */
const table = name === "ops" ? ['apps = ["*"]', 'scopes = ["admin", "sign"]'] : ['apps = ["shop"]', 'scopes = ["token", "ticket", "sign"]'];
const key = `zk_${randomBytes(32).toString("base64url")}`;

console.log(`The key of caller ${name}; give it to the caller, it is not shown again:

  ${key}

1. In wrangler.toml, if the caller is new (and ${setting} in [secrets] required):

  [vars.CALLERS.${name}]
  ${table.join("\n  ")}

2. Store the key:

  npx wrangler secret put ${setting} --env=""

   (Before the first deployment: as a line ${setting}=… in the file that you give to
   npm run deploy -- --secrets-file FILE.)

3. If wrangler.toml was changed: npm run deploy

   To change a key without an outage, store the new one as ${setting}_NEXT, move the caller
   over, then store it as ${setting} and delete ${setting}_NEXT.`);
