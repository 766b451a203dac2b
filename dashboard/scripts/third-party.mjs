// Whose work is in the built files? Every package that was bundled, with its licence, in one text beside them.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function writeLicences(root, file) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const texts = new Map();
  for (const [path, about] of Object.entries(lock.packages)) {
    const folder = join(root, path);
    if (!path || about.dev || about.optional || !existsSync(folder)) continue;
    const licence = readdirSync(folder).find((name) => /^(licen[cs]e|ofl)/i.test(name));
    const text = licence ? readFileSync(join(folder, licence), 'utf8').trim() : `Licence: ${about.license}`;
    const names = texts.get(text) ?? [];
    texts.set(text, [...names, `${path.replace(/^.*node_modules\//, '')} ${about.version}`]);
  }
  writeFileSync(file, [...texts].map(([text, names]) => `${names.join(', ')}\n\n${text}\n`).join(`\n${'-'.repeat(80)}\n\n`));
}
