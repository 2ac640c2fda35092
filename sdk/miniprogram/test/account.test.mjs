// Profile, avatar, phone number, registration, devices; and data that was encrypted with a session_key.
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { clock, eventually, failure, gate, newPhone, open, useWorld, world } from './world/index.mjs';

useWorld();
const png = join(mkdtempSync(join(tmpdir(), 'kaimen-sdk-')), 'avatar.png');
writeFileSync(png, Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'));

test('a profile is changed, told, and there after a start', async () => {
  const phone = newPhone();
  const app = open(phone);
  const user = await app.updateProfile({ nickname: '阿丽', city: 'Suzhou', attributes: { theme: 'dark' } });
  assert.equal(user.nickname, '阿丽');
  assert.equal(app.session().user.city, 'Suzhou');
  assert.deepEqual(app.kinds(), ['login', 'user']);
  phone.restart();
  assert.equal((await open(phone).ready()).user.attributes.theme, 'dark');
});

test('an avatar is uploaded', async () => {
  const app = open(newPhone());
  const user = await app.uploadAvatar(png);
  assert.match(user.avatar_url, /\/avatars\/[0-9a-f]{64}/);
  assert.equal(app.session().user.avatar_url, user.avatar_url);
  writeFileSync(png + '.txt', 'no picture');
  assert.equal((await failure(app.uploadAvatar(png + '.txt'))).code, 'invalid_request');
});

test('an avatar goes with a ticket that was refused first', async () => {
  const app = open(newPhone());
  const { user } = await app.ready();
  await world.kaimen.admin('PUT', `/users/${user.id}/roles`, { roles: ['a'] });
  assert.match((await app.uploadAvatar(png)).avatar_url, /avatars/);
});

test('the phone button of today, and that of old clients', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  const { code, errMsg } = await phone.phoneButton({ phone: '13600001111' });
  assert.match((await app.bindPhone({ code, errMsg })).phone_number, /13600001111/);
  const { encryptedData, iv } = await phone.phoneButton({ phone: '13600002222' });
  assert.match((await app.bindPhone({ encryptedData, iv })).phone_number, /13600002222/);
  const denied = await failure(app.bindPhone({ errMsg: 'getPhoneNumber:fail user deny', errno: 1400001 }));
  assert.equal(denied.code, 'denied');
  assert.equal(denied.errno, 1400001);
});

test('login and phone number in one step', async () => {
  const phone = newPhone();
  const app = open(phone);
  const session = await app.login({ phone: await phone.phoneButton({ phone: '13600003333' }) });
  assert.match(session.user.phone_number, /13600003333/);
  const other = open(newPhone());
  await other.ready();
  assert.deepEqual((await other.login({ phone: { code: 'made-up' } })).warnings.map((one) => one.part), ['phone']);
});

test('a login that brings something waits for the one under way, and is not lost in it', async () => {
  const phone = newPhone();
  const app = open(phone);
  const [first, second] = await Promise.all([app.login(), app.login({ phone: await phone.phoneButton({ phone: '13600004444' }) })]);
  assert.ok(!first.user.phone_number);
  assert.match(second.user.phone_number, /13600004444/);
  assert.equal(phone.calls.login, 2);
});

test('encrypted under the key of an earlier login: the server has kept it', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  await phone.userInfo();
  phone.loginWith = { rotate: true };
  await app.login();
  const { encryptedData, iv } = await phone.phoneButton({ key: 'previous', phone: '13600005555' });
  assert.match((await app.bindPhone({ encryptedData, iv })).phone_number, /13600005555/);
  assert.equal(phone.calls.login, 2, 'nothing was stale');
});

test('an expired ticket under encrypted data is renewed: a login could replace the key', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  const { encryptedData, iv } = await phone.phoneButton({ phone: '13600008888' });
  phone.loginWith = { rotate: true };
  clock.move(3 * 3600000);
  assert.match((await app.bindPhone({ encryptedData, iv })).phone_number, /13600008888/);
  assert.equal(phone.calls.login, 1);
});

test('a key that the server has never seen: one login, one more try, by itself', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  // A wx.login whose code never reached the server, as when the app was killed: WeChat has replaced the key.
  await world.kaimen.control('POST', '/login', { appid: world.kaimen.appId, user: phone.user, rotate: true });
  const { encryptedData, iv } = await phone.phoneButton({ phone: '13600006666' });
  phone.loginWith = { rotate: false };
  assert.match((await app.bindPhone({ encryptedData, iv })).phone_number, /13600006666/);
  assert.equal(phone.calls.login, 2);
});

test('a key that is gone for good: stale_session_key after one more try, not more', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  await world.kaimen.control('POST', '/login', { appid: world.kaimen.appId, user: phone.user, rotate: true });
  const { encryptedData, iv } = await phone.phoneButton();
  phone.loginWith = { rotate: true };
  const error = await failure(app.bindPhone({ encryptedData, iv }));
  assert.equal(error.code, 'stale_session_key');
  assert.equal(world.line.count('POST /v1/me/phone'), 2);
  assert.equal(phone.calls.login, 2);
});

test('a function is called after the login, and again where the key was another', async () => {
  const phone = newPhone();
  const app = open(phone);
  let calls = 0;
  const read = async () => {
    calls += 1;
    if (calls === 1) await world.kaimen.control('POST', '/login', { appid: world.kaimen.appId, user: phone.user, rotate: true });
    return phone.userInfo();
  };
  phone.loginWith = { rotate: true };
  const user = await app.updateFromWechat(read);
  assert.equal(user.nickname, '阿丽');
  assert.equal(calls, 2);
  assert.equal(phone.calls.login, 2);
});

test('the login comes before the data, however early the app asks', async () => {
  const phone = newPhone();
  const app = open(phone);
  const order = [];
  const user = await app.updateFromWechat(() => {
    order.push(phone.calls.login);
    return phone.userInfo();
  });
  assert.deepEqual(order, [1]);
  assert.equal(user.nickname, '阿丽');
});

test('registration: what is asked, and a guest who gives it', async () => {
  await world.kaimen.settings({ registration: 'fields', registration_fields: 'company', agreements: 'terms=2' });
  try {
    const app = open(newPhone());
    const session = await app.ready();
    assert.equal(session.user.registered, false);
    assert.deepEqual(session.missing, ['company', 'terms']);
    assert.deepEqual((await app.registration()).agreements, [{ name: 'terms', version: '2' }]);
    const error = await failure(app.register({ fields: { company: '开门' } }));
    assert.equal(error.code, 'registration_required');
    assert.deepEqual(error.missing, ['terms']);
    const registered = await app.register({ fields: { company: '开门' }, agreements: [{ name: 'terms', version: '2' }] });
    assert.equal(registered.user.registered, true);
    assert.deepEqual(registered.missing, []);
    assert.equal((await app.echo()).statusCode, 200);
  } finally {
    await world.kaimen.settings({ registration: null, registration_fields: null, agreements: null });
  }
});

test('a logout during a registration stands, and the ticket that came too late is ended', async () => {
  const phone = newPhone();
  const app = open(phone);
  const { user } = await app.ready();
  const { promise, open: answer } = gate();
  world.line.next('POST /v1/me/registration', { hold: promise });
  // The server hears of the logout only by the late ticket.
  world.line.next('DELETE /v1/session', { cut: true }, 2);
  const registering = failure(app.register({}));
  await eventually(() => world.line.count('POST /v1/me/registration') === 1);
  await app.logout();
  world.line.heal();
  answer();
  const error = await registering;
  assert.equal(error.code, 'aborted');
  assert.equal(error.reason, 'logged_out');
  assert.equal(app.session().state, 'anonymous');
  await eventually(async () => (await world.kaimen.admin('GET', `/users/${user.id}/sessions`)).items.length === 0);
  phone.restart();
  assert.equal((await open(phone).ready()).state, 'anonymous');
});

for (const [what, path, ask] of [
  ['a registration', 'POST /v1/me/registration', (app) => app.register({})],
  ['a profile', 'POST /v1/me', (app) => app.updateProfile({ nickname: 'late' })],
]) test(`a login during ${what} stands: the late answer's ticket is of the session before`, async () => {
  const app = open(newPhone());
  const before = await app.ready();
  const { promise, open: answer } = gate();
  world.line.next(path, { hold: promise });
  const late = ask(app).catch((error) => error.code);
  await eventually(() => world.line.count(path) === 1);
  const after = await app.login();
  assert.notEqual(after.session.id, before.session.id);
  answer();
  const result = await late;
  if (what === 'a registration') assert.equal(result, 'aborted');
  else assert.equal(app.session().user.nickname, 'late');
  assert.equal(app.session().session.id, after.session.id);
  assert.equal((await app.echo()).data.session, after.session.id);
});

test('my devices: listed, ended one by one, and all others', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  for (let count = 0; count < 3; count += 1) await open(Object.assign(newPhone(), { user: phone.user })).ready();
  const devices = await app.devices();
  assert.equal(devices.length, 4);
  assert.equal(devices.filter((device) => device.current).length, 1);
  assert.equal(devices[0].device.model, 'iPhone 15');
  await app.endDevice(devices.find((device) => !device.current).id);
  assert.equal((await app.devices()).length, 3);
  await app.endOtherDevices();
  assert.equal((await app.devices()).length, 1);
});

test('an address that brings the login into a web-view', async () => {
  await world.kaimen.settings({ web_origins: 'https://h5.example.cn' });
  const app = open(newPhone());
  assert.match(await app.webViewUrl('https://h5.example.cn/cart'), /\/v1\/handoff\?c=kmh1\./);
  assert.equal((await failure(app.webViewUrl('https://evil.example/'))).code, 'invalid_request');
});
