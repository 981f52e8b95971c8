// Questions to the centre. The key is held here, in memory, and nowhere else: a reload forgets it.

let key = null;

/** What the API says when it does not do what it was asked for. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? "unknown";
  }
}

export const signIn = (given) => (key = given.trim());
export const signOut = () => (key = null);

/** The JSON answer to a request; a body makes it a POST. */
export async function ask(path, { method, body } = {}) {
  const sent = {
    method: method ?? (body ? "POST" : "GET"),
    headers: { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
  };
  let response;
  try {
    response = await fetch(path, sent);
  } catch {
    throw new Refusal(0, { code: "unreachable", detail: null });
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(response.status, answer);
  return answer;
}

/** Every app that the key may see: page by page. */
export async function everything() {
  const first = await ask("/v1/apps");
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
