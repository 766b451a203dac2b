// Which sources is a build made from? One hash over their names and contents (tests/dashboard/test_build.py computes the same).
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PARTS = ['app', 'components', 'lib', 'public', 'scripts', 'next.config.mjs', 'package-lock.json', 'package.json', 'postcss.config.mjs', 'tsconfig.json'];

function* under(root, path) {
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  for (const entry of entries) {
    if (entry.isDirectory()) yield* under(root, `${path}/${entry.name}`);
    else yield `${path}/${entry.name}`;
  }
}

export function hashOfSources(root) {
  const files = PARTS.flatMap((part) => (part.includes('.') ? [part] : [...under(root, part)])).sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file))).update('\0');
  return hash.digest('hex');
}
