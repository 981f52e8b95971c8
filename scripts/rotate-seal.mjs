// `KEY=… npm run rotate-seal -- https://token.example.com`: after SEAL_KEY was changed, seals everything that is stored
// with the new one. KEY is a caller's, with the scopes status and admin for every app.

const [origin] = process.argv.slice(2);
const key = process.env.KEY;
if (!/^https?:\/\/[^/]+\/?$/.test(origin ?? "") || !key) {
  console.error("✗ Say where the centre is, and give the key of a caller with the scopes status and admin.\n  To mend it: KEY=zk_… npm run rotate-seal -- https://token.example.com");
  process.exit(2);
}

async function call(method, path) {
  const response = await fetch(new URL(path, origin), { method, headers: { authorization: `Bearer ${key}` } }).catch(() => null);
  if (!response) throw new Error(`${origin} does not answer`);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${body.detail ?? ""}`);
  return body;
}

let failed = 0;
try {
  for (let next = ""; next !== null; ) {
    const page = await call("GET", `/v1/apps${next && `?after=${next}`}`);
    for (const { app, state } of page.apps) {
      try {
        if (state === "misconfigured") throw new Error("misconfigured: nothing of it can be opened before that is mended");
        const { resealed, key: id } = await call("POST", `/v1/apps/${app}/reseal`);
        console.log(`✔ ${app}: ${resealed} sealed with key ${id}`);
      } catch (error) {
        failed += 1;
        console.error(`✗ ${app}: ${error.message}`);
      }
    }
    next = page.next;
  }
} catch (error) {
  failed += 1;
  console.error(`✗ ${error.message}`);
}
console.log(failed ? "Not everything is sealed anew: keep SEAL_KEY_PREVIOUS, mend the above, and run this again." : "The store follows within a minute or two. After that SEAL_KEY_PREVIOUS can be deleted.");
process.exitCode = failed ? 1 : 0;
