// The SDK as the server's playground runs it: one readable file, compiled into the binary so that building Kaimen needs no npm.
// `npm run playground` writes it; test/playground.test.mjs holds it against the sources.
import { buildSync } from 'esbuild';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

export function playgroundBundle() {
  const { outputFiles } = buildSync({
    absWorkingDir: here, entryPoints: ['src/index.ts'], bundle: true, write: false, format: 'esm', target: 'es2017', charset: 'utf8',
    banner: { js: '// Made from sdk/miniprogram/src by `npm run playground`; not to be edited.' },
  });
  return outputFiles[0].text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(here, '../../src/playground/page/kaimen.js'), playgroundBundle());
