// Login loops are cut: growing pauses, and the app hears of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, failure, newPhone, open, useWorld, world } from './world/index.mjs';

useWorld();
const busy = { status: 503, headers: { 'content-type': 'application/problem+json' }, body: '{"code":"upstream_error","status":502}' };

test('a login that keeps failing pauses, longer each time, and says so once a pause', async () => {
  clock.stop();
  const phone = newPhone();
  const app = open(phone);
  world.line.next('POST /v1/login', { answer: busy }, 99);
  const pauses = [];
  for (let tries = 0; tries < 400 && pauses.length < 8; tries += 1) {
    const error = await failure(app.login());
    if (error.code === 'login_paused') {
      pauses.push(error.retryAfter);
      assert.equal((await failure(app.login())).code, 'login_paused');
      clock.move(error.retryAfter * 1000);
    }
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
  assert.equal(phone.calls.login, 10);
  assert.equal(app.kinds().filter((kind) => kind === 'paused').length, 8);
  assert.equal(app.changes.find((change) => change.kind === 'paused').error.retryAfter, 1);
  world.line.heal();
  await app.login();
  assert.equal((await app.echo()).statusCode, 200);
});

test('the server\'s Retry-After counts from the first time', async () => {
  clock.stop();
  const app = open(newPhone());
  world.line.next('POST /v1/login', { answer: { ...busy, body: '{"code":"rate_limited","status":429,"retry_after":20}' } });
  assert.equal((await failure(app.login())).retryAfter, 20);
  assert.equal((await failure(app.login())).code, 'login_paused');
  clock.move(20000);
  await app.login();
});

test('WeChat is busy: the sandbox says -1, the app hears upstream_busy', async () => {
  await world.kaimen.control('PUT', '/faults', { path: '/sns/jscode2session', errcode: -1, times: 1 });
  const error = await failure(open(newPhone()).login());
  assert.equal(error.code, 'upstream_busy');
  assert.equal(error.upstream.errcode, -1);
});

test('a backend that refuses every ticket does not make a loop', async () => {
  clock.stop();
  for (const reason of ['renew', 'malformed']) {
    const phone = newPhone();
    const app = open(phone);
    await app.ready();
    world.line.heal();
    world.line.next('GET /v1/me', { answer: { status: 401, headers: { 'x-kaimen-reason': reason } } }, 999);
    const codes = [];
    for (let tries = 0; tries < 50; tries += 1) codes.push((await failure(app.request({ url: '/v1/me' }))).code);
    assert.deepEqual([...new Set(codes)], ['unauthenticated', 'login_paused']);
    assert.ok(world.line.count('POST /v1/login') + world.line.count('POST /v1/session/renew') <= 3);
    assert.ok(app.kinds().includes('paused'));
  }
});

test('a clock that is set back does not make a pause longer than an hour', async () => {
  const app = open(newPhone());
  world.line.next('POST /v1/login', { answer: busy }, 3);
  for (let tries = 0; tries < 3; tries += 1) await failure(app.login());
  clock.move(-1000 * 3600000);
  assert.ok((await failure(app.login())).retryAfter <= 3600);
});
