// Questions to the centre. The key is held here, in memory, and nowhere else: a reload forgets it.

/** Longer than a check may take. */
const PATIENCE_MS = 30_000;
/** One visit: its key, and what ends its questions. */
let session = null;

/** Whoever asked has signed out: there is nobody to answer. */
export class Gone extends Error {}

/** What the API says when it does not do what it was asked for. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? (status ? `HTTP ${status}` : ""));
    this.status = status;
    /** `unreachable`: nobody answers; `not_ours`: somebody else does, in the centre's place. */
    this.code = problem.code ?? "not_ours";
  }
}

export function signIn(given) {
  signOut();
  session = { key: given.trim().replace(/^Bearer\s+/i, ""), ends: new AbortController() };
}

export function signOut() {
  session?.ends.abort();
  session = null;
}

/** What no header can carry is no key. */
export const isKey = (given) => /^[\x21-\x7e]+$/.test(given.trim().replace(/^Bearer\s+/i, ""));

/** The JSON answer to a request; a body makes it a POST. */
export async function ask(path, { method, body } = {}) {
  const mine = session;
  if (!mine) throw new Gone();
  const sent = {
    method: method ?? (body ? "POST" : "GET"),
    headers: { authorization: `Bearer ${mine.key}`, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    signal: AbortSignal.any([mine.ends.signal, AbortSignal.timeout(PATIENCE_MS)]),
  };
  let response, answer;
  try {
    response = await fetch(path, sent);
    answer = await response.json().catch(() => null);
  } catch {
    if (session !== mine) throw new Gone();
    throw new Refusal(0, { code: "unreachable" });
  }
  if (session !== mine) throw new Gone();
  if (!response.ok || !answer) throw new Refusal(response.status, answer ?? {});
  return answer;
}

/** Every app that the key may see: page by page. */
export async function everything() {
  const first = await ask("/v1/apps");
  if (!first.caller || !Array.isArray(first.apps)) throw new Refusal(200, {});
  const apps = [...first.apps];
  for (let next = first.next; next; ) {
    const page = await ask(`/v1/apps?after=${encodeURIComponent(next)}`);
    apps.push(...page.apps);
    next = page.next;
  }
  return { ...first, apps };
}

const of = (app, rest) => `/v1/apps/${encodeURIComponent(app)}/${rest}`;

export const trends = (app) => ask(of(app, "trends"));
export const check = (app, credential) => ask(of(app, "check"), { method: "POST", body: credential ? { credential } : undefined });
export const revoke = (app) => ask(of(app, "access_token/revoke"), { method: "POST" });
export const explain = (app, question) => ask(of(app, "signature/explain"), { body: question });

/** A page of the history. */
export function events(app, filter) {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value));
  return ask(of(app, `events?${query}`));
}
