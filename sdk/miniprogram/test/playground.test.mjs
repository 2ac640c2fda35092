// The bundle that is compiled into the server is this SDK.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { playgroundBundle } from '../playground.mjs';

test('src/playground/page/kaimen.js is made from these sources', () => {
  const source = process.env.KAIMEN_SOURCE || join(dirname(fileURLToPath(import.meta.url)), '../../..');
  assert.ok(readFileSync(join(source, 'src/playground/page/kaimen.js'), 'utf8') === playgroundBundle(), 'run `npm run playground` in sdk/miniprogram');
});
