// Builds dist/: CommonJS (mini programs' npm and `require`), ESM (bundlers), and types. `node build.mjs [DIRECTORY]`.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] || join(here, 'dist'));
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const common = { absWorkingDir: here, entryPoints: ['src/index.ts'], bundle: true, minify: true, target: 'es2017', charset: 'utf8', legalComments: 'none' };
await build({ ...common, format: 'cjs', outfile: join(out, 'index.js') });
await build({ ...common, format: 'esm', outfile: join(out, 'index.mjs') });

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', here, '--declaration', '--emitDeclarationOnly', '--outDir', out], { stdio: 'inherit' });
writeFileSync(join(out, 'index.d.mts'), "export * from './index.js';\n");
