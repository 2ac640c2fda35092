// From opening the app to knowing who is there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, eventually, failure, gate, newPhone, open, useWorld, world } from './world/index.mjs';

useWorld();
const logins = () => world.line.count('POST /v1/login');
const bodyOf = (name) => JSON.parse(world.line.seen.find((one) => one.name === name).body);

for (const style of ['callback', 'promise', 'both']) {
  test(`a first start logs in, on a host of ${style} style`, async () => {
    const phone = newPhone({ style });
    const app = open(phone);
    assert.equal(app.session().state, 'starting');
    const session = await app.ready();
    assert.equal(session.state, 'logged_in');
    assert.equal(session.isNewUser, true);
    assert.match(session.user.id, /^[0-9a-f]{32}$/);
    assert.deepEqual(app.session(), session);
    assert.equal((await app.echo()).data.user, session.user.id);
    assert.deepEqual(app.kinds(), ['login']);
  });
}

test('200 callers at once cost one wx.login and one login', async () => {
  const phone = newPhone();
  const app = open(phone);
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => app.echo({ data: { index } })));
  assert.equal(new Set(answers.map((answer) => answer.data.user)).size, 1);
  assert.equal(phone.calls.login, 1);
  assert.equal(logins(), 1);
  assert.equal(phone.most, 10, 'as many at a time as wx.request lets through');
  assert.equal(new Set(world.backend.served.map((one) => one.url)).size, 200, 'each arrived, once');
  assert.equal(world.backend.served.length, 200);
});

test('the login says from where and on what the app was opened', async () => {
  const phone = newPhone();
  phone.enter = { scene: 1047, path: 'pages/shop', query: { scene: 'a1', from: 'poster' }, referrerInfo: {} };
  await open(phone).ready();
  const body = bodyOf('POST /v1/login');
  assert.deepEqual(body.entry, { scene: 1047, path: 'pages/shop', query: { scene: 'a1', from: 'poster' } });
  assert.equal(body.env_version, 'develop');
  assert.deepEqual({ ...body.device, id: '' }, { id: '', model: 'iPhone 15', system: 'iOS 18.1', platform: 'ios' });
  assert.match(body.device.id, /^[0-9a-z]{32}$/);
});

test('a second start asks checkSession first and logs nobody in', async () => {
  const phone = newPhone();
  const { user } = await open(phone).ready();
  phone.restart();
  const app = open(phone);
  const session = await app.ready();
  assert.equal(session.user.id, user.id);
  assert.equal(session.state, 'logged_in');
  assert.equal(phone.calls.login, 1);
  assert.equal(phone.calls.checkSession, 1);
  await eventually(() => world.line.count('GET /v1/session') === 1);
  assert.equal(logins(), 1);
});

test('a session_key that WeChat gave up costs one silent login, and replaces no device', async () => {
  const phone = newPhone();
  await open(phone).ready();
  phone.restart();
  phone.faults.checkSession = { errMsg: 'checkSession:fail session expired' };
  const app = open(phone);
  await app.ready();
  assert.equal(phone.calls.login, 2);
  assert.equal((await app.devices()).length, 1, 'the same device');
  assert.deepEqual(phone.calls.showModal, []);
});

test('the device keeps its id; another phone has another', async () => {
  const phone = newPhone();
  await open(phone).ready();
  phone.restart();
  phone.storage.delete(`kaimen.${world.kaimen.appId}.develop`);
  await open(phone).ready();
  await open(newPhone()).ready();
  const ids = world.line.seen.filter((one) => one.name === 'POST /v1/login').map((one) => JSON.parse(one.body).device.id);
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[0], ids[2]);
});

test('environments and apps do not see each other', async () => {
  const phone = newPhone();
  await open(phone).ready();
  phone.restart();
  phone.envVersion = 'trial';
  await open(phone).ready();
  assert.equal(logins(), 2);
  assert.equal(JSON.parse(world.line.seen.filter((one) => one.name === 'POST /v1/login')[1].body).env_version, 'trial');
  assert.equal([...phone.storage.keys()].filter((key) => /^kaimen\.wx.*(develop|trial)$/.test(key)).length, 2);
});

test('单页模式 is anonymous, and requests go without a ticket', async () => {
  const phone = newPhone();
  phone.enter = { scene: 1154, path: 'pages/article', query: {} };
  const app = open(phone);
  assert.equal((await app.ready()).state, 'anonymous');
  assert.equal((await app.request({ url: world.backend.url + '/api/open', optional: true })).statusCode, 200);
  assert.equal(world.backend.served[0].headers.authorization, undefined);
  assert.equal((await failure(app.echo())).code, 'unauthenticated');
  assert.equal((await failure(app.login())).code, 'unauthenticated');
  assert.equal(phone.calls.login, 0);
});

test('manual: nobody is logged in before login() is called', async () => {
  const phone = newPhone();
  const app = open(phone, { manual: true });
  assert.equal((await app.ready()).state, 'anonymous');
  assert.equal((await app.request({ url: world.backend.url + '/api/open', optional: true })).data.user, null);
  assert.equal((await failure(app.echo())).reason, 'missing');
  assert.equal(phone.calls.login, 0);
  await app.login();
  assert.match((await app.request({ url: world.backend.url + '/api/open', optional: true })).data.user, /^[0-9a-f]{32}$/);
});

test('killed between wx.login and storing: the next start logs in, for WeChat may have replaced the key', async () => {
  const phone = newPhone();
  await open(phone).ready();
  const { promise, open: answer } = gate();
  world.line.next('POST /v1/login', { hold: promise });
  const app = open(phone);
  app.login().catch(() => {});
  await eventually(() => logins() === 2);
  phone.restart();
  answer();
  const { state } = await open(phone).ready();
  assert.equal(state, 'logged_in');
  assert.equal(phone.calls.login, 3);
});

test('a full storage does not fail a login, and leaves nothing old behind', async () => {
  const phone = newPhone();
  await open(phone).ready();
  phone.restart();
  phone.faults.checkSession = { errMsg: 'checkSession:fail' };
  phone.storageFull = true;
  const app = open(phone);
  await app.ready();
  assert.equal((await app.echo()).statusCode, 200);
  assert.equal(phone.storage.has(`kaimen.${world.kaimen.appId}.develop`), false, 'an old renew token would look like a copy');
  phone.restart();
  delete phone.faults.checkSession;
  assert.equal((await open(phone).ready()).state, 'logged_in');
});

test('nonsense in the storage is no session', async () => {
  for (const nonsense of ['x', 7, null, [], { kept: {} }, { kept: { token: 'km1.x' } }]) {
    const phone = newPhone();
    phone.storage.set(`kaimen.${world.kaimen.appId}.develop`, JSON.stringify(nonsense));
    assert.equal((await open(phone).ready()).state, 'logged_in');
  }
});

test('no line: ready() says so, and tries again when it is asked again', async () => {
  const phone = newPhone();
  phone.online = false;
  const app = open(phone);
  const error = await failure(app.ready());
  assert.equal(error.code, 'login_failed');
  phone.online = true;
  assert.equal((await app.ready()).state, 'logged_in');
  assert.deepEqual(app.kinds(), ['failed', 'login']);
});

test('no line at a second start: what is stored stands', async () => {
  const phone = newPhone();
  await open(phone).ready();
  phone.restart();
  phone.online = false;
  phone.faults.checkSession = { errMsg: 'checkSession:fail ' };
  const app = open(phone);
  assert.equal((await app.ready()).state, 'logged_in');
  assert.equal((await failure(app.echo())).code, 'network');
  phone.online = true;
  assert.equal((await app.echo()).statusCode, 200);
});

test('an answer lost on the way is asked for again: one code, one session', async () => {
  const phone = newPhone();
  world.line.next('POST /v1/login', { lose: true });
  const app = open(phone);
  await app.ready();
  assert.equal(phone.calls.login, 1);
  assert.equal((await app.devices()).length, 1);
});

test('a code that the server does not take is replaced by a fresh one, once', async () => {
  const refused = { status: 409, headers: { 'content-type': 'application/problem+json' }, body: '{"status":409,"code":"code_used"}' };
  const phone = newPhone();
  world.line.next('POST /v1/login', { answer: refused });
  await open(phone).ready();
  assert.equal(phone.calls.login, 2);
  world.line.next('POST /v1/login', { answer: refused }, 9);
  assert.equal((await failure(open(newPhone()).ready())).code, 'code_used');
});

test('what goes wrong with wx.login keeps its name', async () => {
  for (const [fault, code] of [
    [{ errMsg: 'login:fail 登录被拦截', errno: 1402101 }, 'login_blocked'],
    [{ errMsg: 'login:fail timeout' }, 'timeout'],
    [{ errMsg: 'login:fail interrupted' }, 'interrupted'],
    [{ errMsg: 'login:fail system error' }, 'login_failed'],
  ]) {
    const phone = newPhone();
    phone.faults.login = fault;
    const error = await failure(open(phone).ready());
    assert.equal(error.code, code);
    assert.equal(error.errno, fault.errno);
  }
});

test('interrupted in the background while logging in: the same code is brought again', async () => {
  const phone = newPhone();
  const { promise, open: answer } = gate();
  world.line.next('POST /v1/login', { hold: promise });
  const app = open(phone);
  const ready = app.ready();
  await eventually(() => logins() === 1);
  phone.background();
  answer();
  assert.equal((await ready).state, 'logged_in');
  assert.equal(phone.calls.login, 1);
  assert.equal(logins(), 2);
});

test('shown again: the key is looked at before a button can be pressed', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  phone.show();
  await eventually(() => phone.calls.checkSession === 1);
  phone.faults.checkSession = { errMsg: 'checkSession:fail session expired' };
  phone.show();
  await eventually(() => app.kinds().length === 2);
  assert.equal(phone.calls.login, 2);
});

test('shown again after a while: the server is asked, and what it knows is taken over', async () => {
  const phone = newPhone();
  const app = open(phone);
  const { user } = await app.ready();
  await world.kaimen.admin('PUT', `/users/${user.id}/external-id`, { external_id: 'c-' + user.id.slice(0, 8) });
  clock.move(10 * 60000);
  phone.show();
  await eventually(() => app.session().user.external_id);
});

test('a scan is told to the server, at a start and when the app is shown', async () => {
  const phone = newPhone();
  await open(phone).ready();
  phone.restart();
  phone.enter = { scene: 1047, path: 'pages/shop', query: { scene: 'table-7' } };
  const app = open(phone);
  await app.ready();
  assert.equal(logins(), 2);
  phone.show();
  await eventually(() => phone.calls.checkSession > 0);
  assert.equal(logins(), 2, 'the same scan is told once');
  phone.show({ scene: 1047, path: 'pages/shop', query: { scene: 'table-8' } });
  await eventually(() => logins() === 3);
  assert.equal(JSON.parse(world.line.seen.filter((one) => one.name === 'POST /v1/login')[2].body).entry.query.scene, 'table-8');
});

test('an answer that is not ours is not taken for a login', async () => {
  world.line.next('POST /v1/login', { answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Welcome to Hotel WiFi</html>' } });
  assert.equal((await failure(open(newPhone()).ready())).code, 'bad_answer');
});
