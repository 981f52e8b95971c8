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

  /** What leaks in these texts, as `place: what`: in any encoding, and of a long value any part. A value is named, never shown. */
  search(places) {
    const forms = [...this.#marked].map(([value, name]) => [name, formsOf(value)]);
    const found = [];
    for (const [place, text] of places) {
      const texts = readings(text);
      for (const [name, wanted] of forms) if (wanted.some((form) => texts.some((text) => text.includes(form)))) found.push(`${place}: ${name}`);
    }
    return found;
  }
}

/** Tokens and tickets are longer, and as random as a part is told by: what is typed in tests may share parts. */
const LONG = 64;
const PART = 16;

/** What a value may be recognised by: itself or its parts; in hex, and in base64 at each of its places; as in a text, and as in a URL. */
function formsOf(value) {
  const parts = value.length < LONG ? [value] : Array.from({ length: Math.floor(value.length / PART) }, (_, n) => value.slice(n * PART, (n + 1) * PART));
  const packed = [value, encodeURIComponent(value)].flatMap((text) => {
    const bytes = Buffer.from(text);
    const inBase64 = [0, 1, 2].map((before) => {
      const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64url");
      return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    });
    return [bytes.toString("hex"), ...inBase64];
  });
  return [...parts, ...packed];
}

const character = (radix) => (_, digits) => String.fromCodePoint(Math.min(parseInt(digits, radix), 0x10ffff));

/** A text as it stands, and as a reader would have it: without escapes of URLs, JSON, JavaScript and HTML, three deep, and UTF-16. */
function readings(text) {
  const texts = [text, text.replaceAll("\0", "")];
  for (let depth = 0; depth < 3; depth++) {
    const plain = texts
      .at(-1)
      .replace(/%([0-9a-f]{2})/gi, character(16))
      .replace(/\\u\{([0-9a-f]{1,6})\}/gi, character(16))
      .replace(/\\u([0-9a-f]{4})/gi, character(16))
      .replace(/\\x([0-9a-f]{2})/gi, character(16))
      .replace(/&#x([0-9a-f]{1,6});?/gi, character(16))
      .replace(/&#([0-9]{1,7});?/g, character(10))
      .replace(/\\([/"'_-])/g, "$1")
      .replace(/[\r\n\t]/g, "");
    texts.push(plain);
  }
  // Both alphabets of base64.
  return [...texts, ...texts.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"))];
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
