// What Cloudflare allows and asks for, as of November 2026: developers.cloudflare.com, the pages "Limits" and "Pricing" of Workers,
// KV and Durable Objects.

/** Per day; beyond it operations fail until midnight UTC. */
export const FREE = {
  requests: { limit: 100_000, name: "requests of the Worker" },
  kv_reads: { limit: 100_000, name: "KV reads" },
  kv_writes: { limit: 1_000, name: "KV writes" },
  objects: { limit: 100_000, name: "requests of Durable Objects" },
  rows_read: { limit: 5_000_000, name: "SQLite rows read" },
  rows_written: { limit: 100_000, name: "SQLite rows written" },
  gb_s: { limit: 13_000, name: "GB-s of Durable Objects" },
};

/** Per month: so many are included in 5 dollars, and a million more costs so many dollars. */
export const PAID = {
  requests: { included: 10e6, per_million: 0.3 },
  cpu_ms: { included: 30e6, per_million: 0.02 },
  kv_reads: { included: 10e6, per_million: 0.5 },
  kv_writes: { included: 1e6, per_million: 5 },
  objects: { included: 1e6, per_million: 0.15 },
  rows_read: { included: 25e9, per_million: 0.001 },
  rows_written: { included: 50e6, per_million: 1 },
  gb_s: { included: 400_000, per_million: 12.5 },
};

export const BASE_DOLLARS = 5;

/** An object is charged at 128 MB while it is awake: for ten seconds after a request at most, before it hibernates. */
export const OBJECT_GB = 0.128;
export const AWAKE_S = 10;

/** One object answers about so many requests a second; Cloudflare's "soft limit" is 1,000. */
export const OBJECT_PER_SECOND = 500;
