// What a deployment uploads.

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { root } from "../../scripts/setup.mjs";

/** Bytes: raw, gzip at its best level (what Cloudflare's limit counts), brotli. */
export function sizes({ hono }) {
  const files = [join(root, "build", "index_bg.wasm"), join(root, "build", "index.js"), hono];
  return Object.fromEntries(files.map((file) => [basename(file), measured(readFileSync(file))]));
}

const measured = (bytes) => ({ raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length });
