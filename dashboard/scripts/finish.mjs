// What is left to do after `next build`? Take inline scripts out, weigh what a page loads first, put it where the API serves it.
//
// - A Content-Security-Policy of `script-src 'self'` allows no inline script; Next writes some into each page. They become
//   files beside the chunks, named by their content, and run in the same order.
// - What only browsers without modules would run is left out: the styles would not work in them either.
// - The first load of every page stays under BUDGET kilobytes of script, as it travels (gzip).
// - `sources.txt` says from which sources this was built: tests/dashboard compares it with what lies in dashboard/.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { hashOfSources } from './sources.mjs';
import { writeLicences } from './third-party.mjs';

const BUDGET = 250;
const here = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(here, 'out');
const target = join(here, '..', 'api', 'static');

function* filesUnder(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(path);
    else yield path;
  }
}

rmSync(join(out, '_not-found'), { recursive: true, force: true });
rmSync(join(out, '404'), { recursive: true, force: true });

const pages = [...filesUnder(out)].filter((path) => path.endsWith('.html'));
mkdirSync(join(out, '_next', 'static', 'inline'), { recursive: true });
for (const page of pages) {
  const modern = readFileSync(page, 'utf8').replace(/<script[^>]*\ssrc="([^"]+)"[^>]*nomodule[^>]*><\/script>/gi, (_, src) => {
    rmSync(join(out, src), { force: true });
    return '';
  });
  const html = modern.replace(/<script(?![^>]*\ssrc=)([^>]*)>([\s\S]*?)<\/script>/g, (_, attributes, text) => {
    const name = `/_next/static/inline/${createHash('sha256').update(text).digest('hex').slice(0, 16)}.js`;
    writeFileSync(join(out, name), text);
    return `<script${attributes} src="${name}"></script>`;
  });
  if (/<script(?![^>]*\ssrc=)/.test(html) || /\son[a-z]+="/.test(html)) throw new Error(`${page}: an inline script is left`);
  writeFileSync(page, html);
}

let heaviest = 0;
for (const page of pages) {
  const scripts = new Set([...readFileSync(page, 'utf8').matchAll(/<script[^>]*\ssrc="([^"]+)"/gi)].map((found) => found[1]));
  const kilobytes = [...scripts].reduce((sum, src) => sum + gzipSync(readFileSync(join(out, src)), { level: 6 }).length, 0) / 1000;
  console.log(`${kilobytes.toFixed(0).padStart(5)} kB of script first  ${relative(out, page)}`);
  heaviest = Math.max(heaviest, kilobytes);
}
if (heaviest > BUDGET) throw new Error(`The heaviest page loads ${heaviest.toFixed(0)} kB of script first; the budget is ${BUDGET} kB`);

writeFileSync(join(out, 'sources.txt'), `${hashOfSources(here)}\n`);

writeLicences(here, join(out, 'licences.txt'));

rmSync(target, { recursive: true, force: true });
cpSync(out, target, { recursive: true });
const size = [...filesUnder(target)].reduce((sum, path) => sum + statSync(path).size, 0);
console.log(`${(size / 1e6).toFixed(2)} MB in api/static`);
