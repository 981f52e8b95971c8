// docs/openapi.json: it has what the router knows, it is what the Worker serves, and the Worker keeps to it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { APPID, CANARY, root, startCentre } from "./support/centre.mjs";

const read = (...path) => readFileSync(join(root, ...path), "utf8");
const sorted = (list) => [...new Set(list)].sort();
const document = JSON.parse(read("docs", "openapi.json"));
/** What a `$ref` stands for. */
const resolved = (node) => (node.$ref ? resolved(node.$ref.split("/").slice(1).reduce((place, name) => place[name], document)) : node);
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => {
    const parameters = [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map(resolved);
    return { ...item[method], path, method: method.toUpperCase(), parameters };
  }),
);

/** Rust's text on one line, without comments. */
const flat = (text) => text.replace(/\/\/.*$/gm, "").replace(/\s+/g, " ");
const PATTERN = /Self::(\w+)(?:\((?:[^()]|\([^()]*\))*\))?/;

/** What the Rust code knows of its routes: path, methods, scope, and whether the query is read. */
function routes() {
  const source = read("crates", "core", "src", "http", "route.rs");
  const body = (name) => {
    const [text] = source.match(new RegExp(`\\n    pub (?:const )?fn ${name}\\b[^]*?\\n    }\\n`)) ?? assert.fail(`route.rs has no fn ${name}`);
    return flat(text);
  };
  /** The arms of a `match self`, as pairs of pattern and value; each alternative by itself. */
  const arms = (name, value) => {
    const found = body(name).matchAll(new RegExp(`((?:(?: \\| )?${PATTERN.source})+) => (?:\\{ )?${value}`, "g"));
    return [...found].flatMap((arm) => arm[1].split(" | ").filter(Boolean).map((pattern) => [pattern, arm.at(-1)]));
  };
  const [methods, scopes] = [arms("methods", '"([A-Z, ]+)"'), arms("scope", "Scope::(\\w+)")];
  const queried = [...body("takes_parameters").matchAll(new RegExp(PATTERN, "g"))].map((match) => [match[0], true]);
  const open = [...(flat(read("crates", "core", "src", "http.rs")).match(/fn is_public\(.*?\) -> bool \{(.*?)\}/)?.[1] ?? "").matchAll(/Route::(\w+)/g)].map(([, variant]) => variant);
  const parsed = body("parse");
  const segment = (text) => (text.startsWith('"') ? JSON.parse(text) : `{${text === "name" ? "type" : text}}`);
  const found = [...parsed.matchAll(/\[([^\]]+)\] => Self::(\w+)/g)].map(([, segments, variant]) => {
    const named = segments.split(", ").filter((text) => text !== '""');
    return { variant, path: `/${named.map(segment).join("/")}` };
  });
  // The one route whose rest is not split into segments.
  const [, start, middle, variant] = parsed.match(/strip_prefix\("(\/[^"]+)"\).*?strip_prefix\("([^"]+)"\).*?Self::(\w+)\(app, path\)/) ?? [];
  found.push({ variant, path: `${start}{app}/${middle}{path}` });
  return found.map(({ variant, path }) => {
    // Tokens and tickets are told apart within one variant.
    const fits = ([pattern]) => pattern.match(PATTERN)[1] === variant && !pattern.includes(path.includes("{type}") ? "AccessToken" : "Ticket(");
    const of = (table) => table.find(fits)?.[1] ?? assert.fail(`${variant} is not understood in route.rs`);
    return { path, methods: of(methods).split(", "), scope: open.includes(variant) ? "none" : of(scopes).toLowerCase(), queried: queried.some(fits) };
  });
}

test("the document has exactly the paths, methods and scopes that the router knows", () => {
  const known = routes();
  assert.ok(known.length >= 15, `only ${known.length} routes were found in route.rs: this test reads it wrongly`);
  const ours = operations.map(({ path, method, "x-scope": scope }) => `${method} ${path} ${scope ?? "none"}`);
  // A GET that also answers to HEAD is documented as GET.
  const without = (methods) => methods.filter((method) => method !== "HEAD" || !methods.includes("GET"));
  const theirs = known.flatMap(({ path, methods, scope }) => without(methods).map((method) => `${method} ${path} ${scope}`));
  assert.deepEqual(sorted(ours), sorted(theirs));
  // A key is wanted where there is a scope.
  for (const { path, security, "x-scope": scope } of operations) assert.deepEqual(security, scope ? undefined : [], path);
  const queried = operations.filter(({ parameters }) => parameters.some((parameter) => parameter.in === "query"));
  assert.deepEqual(sorted(queried.map(({ path }) => path)), sorted(known.filter((route) => route.queried).map(({ path }) => path)));
});

test("the document has exactly the error codes, kinds and actions that the code has", () => {
  const problems = flat(read("crates", "core", "src", "problem.rs")).matchAll(/Self::\w+ => \((\d+), "(\w+)", "([^"]+)"\)/g);
  const rows = new Map([...problems].map(([, status, code, title]) => [code, { status: Number(status), title }]));
  assert.ok(rows.size >= 12);
  assert.deepEqual(sorted(document.components.schemas.Problem.properties.code.enum), sorted(rows.keys()));
  for (const { operationId, responses } of operations) {
    for (const [status, response] of Object.entries(responses)) {
      for (const { value } of Object.values(resolved(response).content["application/problem+json"]?.examples ?? {})) {
        assert.deepEqual({ status: value.status, title: value.title }, rows.get(value.code), `${operationId} ${status}`);
        assert.equal(String(value.status), status, operationId);
      }
    }
  }
  const [action, kind] = flat(read("crates", "core", "src", "history", "words.rs")).split("pub enum Kind");
  const { parameters } = operations.find(({ operationId }) => operationId === "events");
  for (const [name, text] of Object.entries({ action, kind })) {
    const words = [...text.matchAll(/Self::\w+ => "(\w+)"/g)].map(([, word]) => word);
    assert.deepEqual(parameters.find((parameter) => parameter.name === name).schema.enum, words);
  }
});

let centre;
before(async () => (centre = await startCentre()));
after(() => centre.stop());

test("GET /openapi.json is the document", async () => {
  const { status, headers, body } = await centre.call("/openapi.json", { key: null });
  assert.deepEqual([status, headers.get("content-type"), headers.get("cache-control")], [200, "application/json", "public, max-age=3600"]);
  assert.deepEqual(body, document);
});

test("what schemathesis leaves out: Allow names the documented methods, and a list is no object", async () => {
  const there = { "{app}": "demo", "{type}": "jsapi", "{path}": "cgi-bin/get_api_domain_ip" };
  for (const { path, requestBody } of operations) {
    const real = path.replace(/{\w+}/g, (name) => there[name]);
    const { status, headers } = await centre.call(real, { method: "DELETE" });
    const allowed = headers.get("allow").split(", ").filter((method) => method !== "HEAD");
    assert.deepEqual([status, allowed], [405, operations.filter((other) => other.path === path).map(({ method }) => method)], path);
    if (!requestBody || path.includes("{path}")) continue;
    for (const { value } of Object.values(requestBody.content["application/json"].examples)) {
      const answer = await centre.call(real, { method: "POST", body: JSON.stringify(Object.values(value)) });
      assert.deepEqual([answer.status, answer.body.code], [400, "invalid_request"], `${path} ${JSON.stringify(Object.values(value))}`);
    }
  }
});

/** The document for schemathesis: it sends a path parameter with slashes as %2F, so that WeChat's path becomes one segment behind `cgi-bin/`. */
function forSchemathesis() {
  const copy = structuredClone(document);
  const path = "/v1/apps/{app}/api/{path}";
  copy.paths[path.replace("{path}", "cgi-bin/{path}")] = copy.paths[path];
  delete copy.paths[path];
  const { WeChatPath } = copy.components.parameters;
  const maxLength = WeChatPath.schema.maxLength - "cgi-bin/".length;
  WeChatPath.schema = { type: "string", pattern: "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$", maxLength };
  WeChatPath.example = "getcallbackip";
  return JSON.stringify(copy);
}

const { SCHEMATHESIS, CI } = process.env;
const missing = "SCHEMATHESIS is not set: install tests/schemathesis/requirements.txt with pip, and set it to the path of the schemathesis binary";
const conforms = { skip: SCHEMATHESIS || CI ? false : missing, timeout: 170_000 };

/** Lets schemathesis try a centre, in a folder of its own: it writes into the one that it is in. Fails where the centre does not conform. */
async function tried(t, url, ...more) {
  assert.ok(SCHEMATHESIS, missing);
  const folder = mkdtempSync(join(tmpdir(), "zhongkong-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "openapi.json"), forSchemathesis());
  const key = ["--header", `Authorization: Bearer ${CANARY.key}`];
  const bounds = ["--checks", "all", "--seed", "20261121", "--continue-on-failure", "--generation-database", "none", "--request-timeout", "20"];
  // Nothing of this environment, above all no proxy, and no settings of whoever runs it.
  const env = { PATH: process.env.PATH, HOME: folder, PYTHONUTF8: "1" };
  const args = ["run", "openapi.json", "--url", String(url), "--no-color", ...key, ...bounds, ...more];
  const child = spawn(resolve(SCHEMATHESIS), args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], timeout: 150_000, killSignal: "SIGKILL" });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => said.push(chunk));
  const code = await new Promise((done, fail) => child.once("error", fail).once("close", (code, signal) => done(code ?? signal)));
  const text = Buffer.concat(said).toString();
  const [report, summary = ""] = text.split(/^=+ SUMMARY =+$/m);
  for (const line of summary.split("\n").filter((line) => line.trim())) t.diagnostic(line);
  assert.equal(code, 0, `schemathesis ended with ${code}:\n${report.slice(Math.max(0, report.search(/^=+ (FAILURES|ERRORS) =+$/m)))}\n${summary}`);
  // It also ends with 0 where something was left out.
  assert.match(summary, new RegExp(`Selected: ${operations.length}/${operations.length}\\n\\s+Tested: ${operations.length}\\n`), text);
  return { text, summary };
}

test("the Worker keeps to the document, says schemathesis", conforms, async (t) => {
  const { text, summary } = await tried(t, centre.url, "--max-examples", "25");
  // It also ends with 0 where it was refused everywhere, and then warns.
  assert.doesNotMatch(summary, /^Warnings:/m, text);
  // Whatever it has sent, nothing has broken here, and everybody is served.
  assert.deepEqual(centre.logs().filter((line) => /"event":"(internal|failed|panicked|keeper_failed)"/.test(line)), []);
  for (const path of ["demo/access_token", "legacy/access_token", "demo/tickets/jsapi"]) {
    assert.equal((await centre.call(`/v1/apps/${path}`)).status, 200, path);
  }
});

test("it does so in trouble too: one app is refused by WeChat, the other is misconfigured", conforms, async (t) => {
  const troubled = await startCentre({ change: ({ APP_SECRET_LEGACY, ...vars }) => vars });
  t.after(() => troubled.stop());
  await troubled.simulator.knobs(APPID.demo, { whitelist: [], seen_ips: ["198.51.100.77"] });
  await tried(t, troubled.url, "--max-examples", "5", "--exclude-checks", "not_a_server_error");
  assert.deepEqual((await troubled.call("/v1/apps")).body.apps.map(({ state }) => state), ["down", "misconfigured"]);
});
