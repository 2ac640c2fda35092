// The SDK's list of errors and reasons is the server's, read from its sources; and each becomes what it says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';

const { errorCodes, reasons, KaimenError } = createRequire(import.meta.url)('../dist/index.js');
const source = (name) => readFileSync(join(process.env.KAIMEN_SOURCE || join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../..'), name), 'utf8');

test('codes are those of the server\'s table', () => {
  const table = [...source('src/api/errors.cpp').matchAll(/\{ErrorCode::(\w+), \d{3},/g)].map((row) => row[1]);
  assert.ok(table.length > 15);
  assert.deepEqual([...errorCodes], table);
});

test('reasons are those of the server', () => {
  const list = /enum class Reason : uint8_t \{([^}]*)\}/.exec(source('src/base/result.h'))[1];
  const names = [...list.matchAll(/(\w+) = \d+/g)].map((row) => row[1]).filter((name) => name !== 'none');
  assert.deepEqual([...reasons].sort(), names.sort());
});

test('the docs name every code and reason', () => {
  const docs = source('docs/api.md');
  for (const name of [...errorCodes, ...reasons]) assert.ok(docs.includes('`' + name + '`'), name);
});

test('an error is an Error', () => {
  const error = new KaimenError('forbidden', { reason: 'disabled', notice: '请联系客服' });
  assert.ok(error instanceof Error && error instanceof KaimenError);
  assert.equal(error.message, 'forbidden: disabled, 请联系客服');
  assert.equal(error.name, 'KaimenError');
});
