// Renewal at half of a ticket's life, in the background; clocks that are wrong; lost answers; races with refusals and logouts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, eventually, failure, gate, newPhone, open, useWorld, world } from './world/index.mjs';

useWorld();
const hour = 3600000;
const renewals = () => world.line.count('POST /v1/session/renew');

test('before half of its life nothing is renewed', async () => {
  const app = open(newPhone());
  await app.ready();
  clock.move(0.9 * hour);
  await app.echo();
  assert.equal(renewals(), 0);
});

test('after half of it the ticket is renewed, once, and nobody waits for it', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  clock.move(1.1 * hour);
  const { promise, open: answer } = gate();
  world.line.next('POST /v1/session/renew', { hold: promise });
  await Promise.all(Array.from({ length: 20 }, () => app.echo()));
  assert.deepEqual(app.kinds(), ['login']);
  answer();
  await eventually(() => app.kinds().length === 2);
  assert.deepEqual(app.kinds(), ['login', 'renewed']);
  assert.equal(renewals(), 1);
  assert.equal((await app.echo()).statusCode, 200);
  assert.equal(phone.calls.login, 1, 'the session_key is left alone');
});

test('after all of it the request waits for the renewal', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  clock.move(3 * hour);
  assert.equal((await app.echo()).statusCode, 200);
  assert.equal(renewals(), 1);
  assert.equal(world.backend.served.length, 1);
});

test('a clock that was set back costs one renewal and no login', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  clock.move(-48 * hour);
  await app.echo();
  await eventually(() => app.kinds().length === 2);
  await app.echo();
  assert.equal(renewals(), 1);
  assert.equal(phone.calls.login, 1);
});

test('a clock that is years ahead is harmless from the first start on', async () => {
  clock.move(24 * 365 * 5 * hour);
  const app = open(newPhone());
  await app.ready();
  await app.echo();
  assert.equal(renewals(), 0);
});

test('no line while renewing: the ticket that still stands is used, and it is tried again later', async () => {
  const app = open(newPhone());
  await app.ready();
  clock.move(1.1 * hour);
  world.line.next('POST /v1/session/renew', { cut: true }, 2);
  await app.echo();
  await eventually(() => renewals() === 2);
  await app.echo();
  assert.equal(renewals(), 2, 'not at once');
  clock.move(60000);
  await app.echo();
  await eventually(() => app.kinds().includes('renewed'));
});

test('a renewal that is told when to come again comes then', async () => {
  const app = open(newPhone());
  await app.ready();
  clock.move(1.1 * hour);
  const body = '{"code":"rate_limited","status":429,"retry_after":90}';
  world.line.next('POST /v1/session/renew', { answer: { status: 429, headers: { 'content-type': 'application/problem+json' }, body } });
  await app.echo();
  await eventually(() => renewals() === 1);
  clock.move(60000);
  await app.echo();
  assert.equal(renewals(), 1, 'not yet');
  clock.move(31000);
  await app.echo();
  await eventually(() => app.kinds().includes('renewed'));
});

test('a renewal whose answer is lost is asked for again', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  clock.move(3 * hour);
  world.line.next('POST /v1/session/renew', { lose: true });
  assert.equal((await app.echo()).statusCode, 200);
  assert.equal(phone.calls.login, 1);
});

test('killed between the renewal and storing it: the next start goes on', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  const { promise } = gate();
  world.line.next('POST /v1/session/renew', { hold: promise });
  clock.move(1.1 * hour);
  await app.echo();
  await eventually(() => renewals() === 1);
  phone.restart();
  const again = open(phone);
  await again.ready();
  clock.move(2 * hour);
  assert.equal((await again.echo()).statusCode, 200);
  assert.equal(phone.calls.login, 1);
});

test('a renewal that is refused because the session is over becomes a login', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  clock.move(3 * hour);
  world.line.next('POST /v1/session/renew', { answer: { status: 401, headers: { 'content-type': 'application/problem+json' }, body: '{"code":"unauthenticated","reason":"expired"}' } });
  assert.equal((await app.echo()).statusCode, 200);
  assert.equal(phone.calls.login, 2);
  assert.deepEqual(phone.calls.showModal, []);
});

test('a 401 that arrives during a renewal waits for it', async () => {
  const app = open(newPhone());
  const { user } = await app.ready();
  clock.move(1.1 * hour);
  const { promise, open: answer } = gate();
  world.line.next('POST /v1/session/renew', { wait: promise });
  await app.echo();
  await eventually(() => renewals() === 1);
  await world.kaimen.admin('PUT', `/users/${user.id}/roles`, { roles: ['late'] });
  const request = app.echo();
  await new Promise((resolve) => setTimeout(resolve, 50));
  answer();
  assert.equal((await request).statusCode, 200);
  assert.equal(renewals(), 1);
});

test('a login that overtakes a renewal is the one that counts', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  clock.move(1.1 * hour);
  const { promise, open: answer } = gate();
  world.line.next('POST /v1/session/renew', { hold: promise });
  await app.echo();
  await eventually(() => renewals() === 1);
  await app.login();
  const { id } = app.session().session;
  answer();
  await eventually(() => world.line.seen.some((one) => one.name === 'POST /v1/session/renew' && one.status));
  assert.equal((await app.echo()).data.session, id);
  assert.equal(app.session().session.id, id);
});

test('logout during a renewal: it stays logged out', async () => {
  const app = open(newPhone());
  await app.ready();
  clock.move(3 * hour);
  const { promise, open: answer } = gate();
  world.line.next('POST /v1/session/renew', { hold: promise });
  const request = failure(app.echo());
  await eventually(() => renewals() === 1);
  await app.logout();
  answer();
  assert.equal((await request).reason, 'logged_out');
  assert.equal(app.session().state, 'anonymous');
});

test('a renew token in other hands: reused, and the user is asked', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  const stolen = [...phone.storage.entries()];
  clock.move(3 * hour);
  await app.echo();
  clock.move(3 * hour);
  await app.echo();
  phone.restart();
  phone.storage = new Map(stolen);
  const copy = open(phone);
  await copy.ready();
  clock.move(3 * hour);
  assert.equal((await copy.echo()).statusCode, 200);
  assert.equal(phone.calls.showModal.length, 1);
  assert.match(phone.calls.showModal[0], /异常/);
});
