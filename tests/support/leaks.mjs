// The search for leaks: every end-to-end test ends with it. Secrets and keys carry markers, credentials are noted as
// they are handed out; nothing of either may be where it does not belong.

/** Whatever must never be seen outside its place. */
export class Canaries {
  #marked = new Map();

  constructor(secrets) {
    for (const [name, value] of Object.entries(secrets)) this.add(name, value);
  }

  add(name, value) {
    if (typeof value === "string" && value.length >= 16) this.#marked.set(value, name);
  }

  /** A success that hands out credentials: they are noted, and have no business anywhere else. Gives back what is left. */
  takeFrom(body) {
    const { access_token, ticket, ...rest } = body;
    this.add("access_token", access_token);
    this.add("ticket", ticket);
    return JSON.stringify(rest);
  }

  get count() {
    return this.#marked.size;
  }

  /** What leaks in these texts, as `place: what`. A value is named, never shown. */
  search(places) {
    const found = [];
    for (const [place, text] of places) {
      for (const [value, name] of this.#marked) {
        // Also as part of a URL, where it may be percent-encoded, and in base64.
        const forms = [value, encodeURIComponent(value), btoa(value).replace(/=+$/, ""), Buffer.from(value).toString("base64url")];
        if (forms.some((form) => text.includes(form))) found.push(`${place}: ${name}`);
      }
    }
    return found;
  }
}

/**
 * What the Worker has sent to WeChat, without what belongs there: the plain token API's `secret`, which is the app's own,
 * and the `access_token` of a business call.
 */
export function sent(heads, appSecret) {
  return heads.map((head) => {
    const [line, ...headers] = head.split("\n");
    const [method, target] = line.split(" ");
    const url = new URL(target, "http://wechat");
    const { pathname, searchParams } = url;
    const takesSecret = ["/cgi-bin/token", "/sns/jscode2session"].includes(pathname);
    if (takesSecret && searchParams.get("secret") === appSecret) searchParams.delete("secret");
    // A virtual token is ours, and has no business at WeChat.
    if (!takesSecret && !searchParams.get("access_token")?.startsWith("0_")) searchParams.delete("access_token");
    return ["a request to WeChat", [`${method} ${url.pathname}?${decodeURIComponent(url.searchParams)}`, ...headers].join("\n")];
  });
}

/** Everything that the stores of a running centre hold, as [place, text]. */
export async function stored(worker, sql, apps) {
  const places = [];
  const { TOKENS, DB } = await worker.getEnv();
  for (const { name, metadata } of TOKENS ? (await TOKENS.list()).keys : []) {
    places.push(["a KV key", name], ["KV metadata", JSON.stringify(metadata ?? null)], ["a KV value", (await TOKENS.get(name)) ?? ""]);
  }
  const rows = DB ? await DB.prepare("SELECT * FROM credentials").all().catch(() => ({ results: [] })) : { results: [] };
  for (const row of rows.results) places.push(["a row of D1", JSON.stringify(row)]);
  for (const app of apps) {
    const tables = (await sql(app, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'")).map(({ name }) => name);
    for (const table of tables) for (const row of await sql(app, `SELECT * FROM "${table}"`)) places.push(["a row of SQLite", JSON.stringify(row)]);
  }
  return places;
}
