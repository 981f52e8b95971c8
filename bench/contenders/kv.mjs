// KV for all contenders: what workerd's `kvNamespace` speaks, over a map in memory. `SEED` is what it begins with.

let entries;

const found = ({ value, metadata }) => new Response(value, { headers: metadata ? { "CF-KV-Metadata": metadata } : {} });

export default {
  async fetch(request, env) {
    entries ??= new Map(Object.entries(env.SEED));
    const { pathname } = new URL(request.url);
    const key = decodeURIComponent(pathname.slice(1));
    if (request.method === "PUT") {
      entries.set(key, { value: await request.text(), metadata: request.headers.get("CF-KV-Metadata") });
      return new Response(null);
    }
    if (request.method === "DELETE") {
      entries.delete(key);
      return new Response(null);
    }
    if (key === "bulk/get") {
      const { keys } = await request.json();
      return Response.json(Object.fromEntries(keys.map((name) => [name, entries.get(name)?.value ?? null])));
    }
    if (key === "") return Response.json(Object.fromEntries(entries));
    return entries.has(key) ? found(entries.get(key)) : new Response(null, { status: 404 });
  },
};
