// How a session ends, what the user is told, and the races around it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, failure, gate, newPhone, open, useWorld, world } from './world/index.mjs';

useWorld();

/** Another phone of the same user. */
const secondPhone = (phone) => Object.assign(newPhone(), { user: phone.user });
const sessionsOf = async (user) => (await world.kaimen.admin('GET', `/users/${user.id}/sessions`)).items.length;

async function replaced(options) {
  const phone = newPhone();
  const app = open(phone, options);
  await world.kaimen.settings({ max_per_user: 1 });
  await app.ready();
  await open(secondPhone(phone)).ready();
  await world.kaimen.settings({ max_per_user: null });
  return { phone, app };
}

test('replaced: a dialog asks, and on yes all that waited goes on', async () => {
  const { phone, app } = await replaced();
  const answers = await Promise.all([app.echo(), app.echo(), app.request({ url: '/v1/me' })]);
  assert.ok(answers.every((answer) => answer.statusCode === 200));
  assert.equal(phone.calls.showModal.length, 1, 'one dialog however many requests');
  assert.match(phone.calls.showModal[0], /其他设备/);
  assert.deepEqual(app.kinds(), ['login', 'ended', 'login']);
  assert.equal(app.changes[1].session.reason, 'replaced');
});

test('replaced: on no nobody is logged in, and it is not asked again until login()', async () => {
  const { phone, app } = await replaced();
  phone.answerModal = false;
  const error = await failure(app.echo());
  assert.equal(error.code, 'unauthenticated');
  assert.equal(error.reason, 'replaced');
  assert.equal((await failure(app.echo())).reason, 'replaced');
  assert.equal(app.session().state, 'anonymous');
  assert.equal(app.session().reason, 'replaced');
  assert.equal(phone.calls.showModal.length, 1);
  assert.equal(phone.calls.login, 1, 'the two phones do not throw each other out in turns');
  assert.equal((await app.request({ url: world.backend.url + '/api/open', optional: true })).statusCode, 200);
  await app.login();
  assert.equal((await app.echo()).statusCode, 200);
});

test('requests that come while the dialog stands wait for it', async () => {
  const { phone, app } = await replaced();
  const { promise, open: press } = gate();
  phone.answerModal = promise;
  const first = app.echo();
  await eventually(() => phone.calls.showModal.length === 1);
  const second = app.echo();
  press(true);
  assert.equal((await first).statusCode, 200);
  assert.equal((await second).statusCode, 200);
});

test('the app may ask in its own way', async () => {
  const asked = [];
  const { phone, app } = await replaced({ confirmLogin: (reason) => asked.push(reason) > 0 });
  assert.equal((await app.echo()).statusCode, 200);
  assert.deepEqual(asked, ['replaced']);
  assert.deepEqual(phone.calls.showModal, []);
});

test('the next start after replaced logs in: opening the app is the user\'s will', async () => {
  const { phone, app } = await replaced();
  phone.answerModal = false;
  await failure(app.echo());
  phone.restart();
  assert.equal((await open(phone).ready()).state, 'logged_in');
});

test('ended on another device', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  const other = open(secondPhone(phone));
  await other.ready();
  const devices = await other.devices();
  assert.equal(devices.length, 2);
  await other.endDevice(devices.find((device) => !device.current).id);
  phone.answerModal = false;
  assert.equal((await failure(app.echo())).reason, 'logged_out');
  phone.restart();
  assert.equal((await open(phone).ready()).reason, 'logged_out', 'and it stays so');
});

test('expired is silent', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  const expired = { status: 401, headers: { 'x-kaimen-reason': 'expired' } };
  world.line.next('GET /v1/me', { answer: expired });
  assert.equal((await app.request({ url: '/v1/me' })).statusCode, 200);
  assert.deepEqual(phone.calls.showModal, []);
  assert.deepEqual(app.kinds(), ['login', 'renewed']);
});

test('a disabled user is told why, in the operator\'s words', async () => {
  const phone = newPhone();
  const app = open(phone);
  const { user } = await app.ready();
  await world.kaimen.admin('POST', `/users/${user.id}/disable`, { message: '请联系客服', until: '2030-01-01T00:00:00Z' });
  const error = await failure(app.echo());
  assert.equal(error.code, 'forbidden');
  assert.equal(error.reason, 'disabled');
  assert.equal(error.notice, '请联系客服');
  assert.match(error.until, /^2030-01-01T00:00:00/);
  assert.equal(app.session().state, 'anonymous');
  assert.equal(app.session().reason, 'disabled');
});

test('logout ends it here and on the server, and the next start keeps it so', async () => {
  const phone = newPhone();
  const app = open(phone);
  const { user } = await app.ready();
  await app.logout();
  assert.equal(await sessionsOf(user), 0);
  assert.equal(app.session().state, 'anonymous');
  assert.equal((await failure(app.echo())).reason, 'logged_out');
  assert.equal((await app.ready()).state, 'anonymous');
  phone.restart();
  const again = open(phone);
  assert.equal((await again.ready()).reason, 'logged_out');
  assert.equal(phone.calls.login, 1);
  assert.equal((await again.login()).user.id, user.id);
});

test('a logout that the server did not hear is said again at the next start', async () => {
  const phone = newPhone();
  const app = open(phone);
  const { user } = await app.ready();
  phone.online = false;
  await app.logout();
  assert.equal(await sessionsOf(user), 1);
  phone.online = true;
  phone.restart();
  await open(phone).ready();
  await eventually(async () => (await sessionsOf(user)) === 0);
});

for (const [how, answer] of [
  ['too many requests', { status: 429, headers: { 'content-type': 'application/problem+json' }, body: '{"code":"rate_limited","retry_after":1}' }],
  ["a gateway's 403", { status: 403, headers: { 'content-type': 'text/html' }, body: '<html>Forbidden</html>' }],
  ["a hotel's sign-in page", { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Welcome</html>' }],
]) test(`a logout that met ${how} is said again at the next start`, async () => {
  const phone = newPhone();
  const app = open(phone);
  const { user } = await app.ready();
  world.line.next('DELETE /v1/session', { answer });
  await app.logout();
  assert.equal(await sessionsOf(user), 1);
  phone.restart();
  await open(phone).ready();
  await eventually(async () => (await sessionsOf(user)) === 0);
  await eventually(() => ![...phone.storage.keys()].some((key) => key.endsWith('.logout')));
});

test('a logout of a session that is over is heard', async () => {
  const phone = newPhone();
  const app = open(phone);
  const { user } = await app.ready();
  await world.kaimen.admin('DELETE', `/users/${user.id}/sessions`);
  await app.logout();
  assert.ok(![...phone.storage.keys()].some((key) => key.endsWith('.logout')));
});

test('logout during a login: whoever waits is told, and the session that came too late is ended', async () => {
  const phone = newPhone();
  const { promise, open: answer } = gate();
  world.line.next('POST /v1/login', { hold: promise });
  const app = open(phone);
  const waiting = [app.ready(), app.echo(), app.login()];
  await eventually(() => world.line.count('POST /v1/login') === 1);
  await app.logout();
  answer();
  for (const one of waiting) assert.equal((await failure(one)).reason, 'logged_out');
  assert.equal(app.session().state, 'anonymous');
  await eventually(() => world.line.seen.some((one) => one.name === 'DELETE /v1/session' && one.status === 204));
  phone.restart();
  assert.equal((await open(phone).ready()).state, 'anonymous');
});

test('logout while checkSession is asked: nobody is logged in behind the user\'s back', async () => {
  for (const shown of [false, true]) {
    const phone = newPhone();
    let app = open(phone);
    await app.ready();
    const { promise, open: fail } = gate();
    phone.faults.checkSession = async () => {
      await promise;
      return { errMsg: 'checkSession:fail' };
    };
    let ready;
    if (shown) {
      phone.show();
    } else {
      phone.restart();
      app = open(phone);
      ready = app.ready();
    }
    await app.logout();
    fail();
    await ready;
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(app.session().state, 'anonymous');
    assert.equal(phone.calls.login, 1);
  }
});

test('two logouts without a line are both said at the next start', async () => {
  const phone = newPhone();
  const app = open(phone);
  const { user } = await app.ready();
  world.line.next('DELETE /v1/session', { cut: true }, 4);
  await app.logout();
  phone.storage.delete('kaimen.device');
  await app.login();
  await app.logout();
  assert.equal(await sessionsOf(user), 2);
  world.line.heal();
  phone.restart();
  await open(phone).ready();
  await eventually(async () => (await sessionsOf(user)) === 0);
});

test('logout and login at once: the second login stands', async () => {
  const phone = newPhone();
  const { promise, open: answer } = gate();
  world.line.next('POST /v1/login', { hold: promise });
  const app = open(phone);
  const first = failure(app.ready());
  await eventually(() => world.line.count('POST /v1/login') === 1);
  await app.logout();
  const { user } = await app.login();
  answer();
  await first;
  await eventually(async () => (await sessionsOf(user)) === 1);
  assert.equal((await app.echo()).data.user, user.id);
});

test('a user who left is asked before a new one is made', async () => {
  const phone = newPhone();
  const app = open(phone);
  const { user } = await app.ready();
  await world.kaimen.admin('DELETE', `/users/${user.id}`);
  phone.answerModal = false;
  assert.equal((await failure(app.echo())).reason, 'deleted');
  assert.equal(phone.calls.login, 1);
});

test('a listener can be taken back', async () => {
  const app = open(newPhone());
  const seen = [];
  const off = app.onChange((change) => seen.push(change.kind));
  await app.ready();
  off();
  await app.logout();
  assert.deepEqual(seen, ['login']);
});
