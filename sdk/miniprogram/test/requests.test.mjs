// The app's own requests: the ticket goes along, a refused one is replaced once, everything else is as `wx` has it.
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clock, createKaimen, eventually, failure, newPhone, open, useWorld, world } from './world/index.mjs';

useWorld();
const file = join(mkdtempSync(join(tmpdir(), 'kaimen-sdk-')), 'photo.png');
writeFileSync(file, 'not really a photo');

/** Has the server say `renew` to the ticket that the phone holds. */
async function outdate(app) {
  await world.kaimen.admin('PUT', `/users/${app.session().user.id}/roles`, { roles: [`r${Date.now()}`] });
}

test('every method wx.request knows goes through; PATCH does not, there as here', async () => {
  const app = open(newPhone());
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    const { statusCode, data } = await app.echo({ method, data: { one: 1 } });
    assert.equal(statusCode, 200);
    assert.equal(data.method, method);
  }
  const error = await failure(app.echo({ method: 'PATCH' }));
  assert.equal(error.code, 'network');
  assert.match(error.errMsg, /invalid method/);
});

test('a path goes to baseUrl', async () => {
  const { data } = await open(newPhone()).request({ url: '/v1/me' });
  assert.match(data.id, /^[0-9a-f]{32}$/);
});

test('callbacks are called, as with wx.request', async () => {
  const app = open(newPhone());
  const got = [];
  await new Promise((resolve) => app.echo({ success: (answer) => got.push(answer.statusCode), complete: resolve }));
  await new Promise((resolve) => app.echo({ method: 'PATCH', fail: (error) => got.push(error.code), complete: resolve }));
  assert.deepEqual(got, [200, 'network']);
});

for (const headerCase of [(name) => name, (name) => name.toUpperCase(), (name) => name.replace(/(^|-)\w/g, (letter) => letter.toUpperCase())]) {
  test(`a refused ticket is renewed and the request sent once more, headers as ${headerCase('www-authenticate')}`, async () => {
    const phone = newPhone({ headerCase });
    const app = open(phone);
    await app.ready();
    await outdate(app);
    const { data } = await app.echo({ method: 'POST', data: { order: 1 } });
    assert.equal(data.body, '{"order":1}');
    assert.equal(world.backend.served.length, 1, 'the refused one never reached the backend');
    assert.deepEqual(app.kinds(), ['login', 'renewed']);
    assert.equal(phone.calls.login, 1);
    assert.deepEqual(phone.calls.showModal, []);
  });
}

test('200 requests that are refused together cost one renewal', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  await outdate(app);
  const answers = await Promise.all(Array.from({ length: 200 }, () => app.echo()));
  assert.ok(answers.every((answer) => answer.statusCode === 200));
  assert.equal(world.line.count('POST /v1/session/renew'), 1);
  assert.equal(phone.calls.login, 1);
});

test('a 401 of somebody else is handed on and starts nothing', async () => {
  const phone = newPhone();
  const app = open(phone);
  const answer = await app.request({ url: world.backend.url + '/api/own401' });
  assert.equal(answer.statusCode, 401);
  assert.deepEqual(answer.data, { error: 'pin required' });
  assert.equal(phone.calls.login, 1);
  assert.deepEqual(app.kinds(), ['login']);
});

test('other statuses are handed on', async () => {
  const { statusCode } = await open(newPhone()).request({ url: '/v1/no-such-thing' });
  assert.equal(statusCode, 404);
});

test('a refusal that says so in its document alone is one, too', async () => {
  const app = open(newPhone());
  await app.ready();
  const body = '{"code":"unauthenticated","reason":"renew"}';
  world.line.next('GET /v1/me', { answer: { status: 401, headers: { 'content-type': 'application/problem+json' }, body } });
  assert.equal((await app.request({ url: '/v1/me' })).statusCode, 200);
  assert.deepEqual(app.kinds(), ['login', 'renewed']);
});

test('an Authorization of the app\'s own stays, and its 401 is its own', async () => {
  const app = open(newPhone());
  await app.ready();
  const answer = await app.echo({ header: { authorization: 'Basic eDp5' } });
  assert.equal(answer.statusCode, 401);
  assert.deepEqual(app.kinds(), ['login']);
});

test('a ticket that is refused again is not tried a third time', async () => {
  const app = open(newPhone());
  await app.ready();
  const refused = { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token", error_description="renew"' } };
  world.line.next('GET /v1/me', { answer: refused }, 9);
  const error = await failure(app.request({ url: '/v1/me' }));
  assert.equal(error.code, 'unauthenticated');
  assert.equal(error.reason, 'renew');
  assert.equal(world.line.count('GET /v1/me'), 2);
});

test('abort before, during and after', async () => {
  const phone = newPhone();
  const app = open(phone);
  const early = app.echo();
  early.abort();
  assert.equal((await failure(early)).code, 'aborted');
  await app.ready();
  const slow = app.request({ url: world.backend.url + '/api/slow' });
  await new Promise((resolve) => setTimeout(resolve, 30));
  slow.abort();
  assert.equal((await failure(slow)).code, 'aborted');
  const done = app.echo();
  await done;
  done.abort();
  assert.equal((await app.echo()).statusCode, 200);
  await eventually(() => world.backend.served.length === 2);
});

test('time-outs and interruptions of the app\'s own requests are the app\'s', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  assert.equal((await failure(app.request({ url: world.backend.url + '/api/slow', timeout: 50 }))).code, 'timeout');
  const slow = app.request({ url: world.backend.url + '/api/slow' });
  await new Promise((resolve) => setTimeout(resolve, 30));
  phone.background();
  assert.equal((await failure(slow)).code, 'interrupted');
});

test('an upload carries the ticket, is sent again after a refusal, and reports its progress', async () => {
  const app = open(newPhone());
  await app.ready();
  await outdate(app);
  const progress = [];
  const answer = await app.uploadFile({
    url: world.backend.url + '/api/echo', filePath: file, name: 'photo', formData: { album: 'summer' }, onProgress: (one) => progress.push(one.progress),
  });
  const echoed = JSON.parse(answer.data);
  assert.match(echoed.body, /not really a photo/);
  assert.match(echoed.body, /summer/);
  assert.equal(world.backend.served.length, 1);
  assert.ok(progress.includes(100));
});

test('a download carries the ticket, and is made again after a refusal', async () => {
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  await outdate(app);
  const { statusCode, tempFilePath } = await app.downloadFile({ url: world.backend.url + '/api/echo' });
  assert.equal(statusCode, 200);
  assert.equal(JSON.parse(phone.files.get(tempFilePath)).user, app.session().user.id);
});

for (const style of ['callback', 'both']) test(`a socket opens with the ticket, and once more where the ticket was refused, on a host of ${style} style`, async () => {
  const app = open(newPhone({ style }));
  await app.ready();
  const url = world.backend.url.replace('http', 'ws') + '/api/socket';
  const socket = await app.connectSocket({ url });
  const echoed = new Promise((resolve) => socket.onMessage((message) => resolve(message.data)));
  socket.send({ data: '你好' });
  assert.equal(await echoed, '你好');
  socket.close();
  await outdate(app);
  (await app.connectSocket({ url })).close();
  assert.deepEqual(app.kinds(), ['login', 'renewed']);
  const nowhere = app.connectSocket({ url: 'ws://127.0.0.1:1/' });
  assert.equal((await failure(nowhere)).code, 'network');
  const aborted = app.connectSocket({ url });
  aborted.abort();
  assert.equal((await failure(aborted)).code, 'aborted');
});

test('other request libraries: header() and handle401()', async () => {
  const phone = newPhone();
  const app = open(phone);
  const url = world.backend.url + '/api/echo';
  const sent = await app.header();
  assert.equal((await fetch(url, { headers: sent })).status, 200);
  await outdate(app);
  const refused = await fetch(url, { headers: sent });
  const asAxios = { status: 401, headers: Object.fromEntries(refused.headers), data: await refused.text() };
  assert.equal(await app.handle401(asAxios, sent), true);
  assert.equal((await fetch(url, { headers: await app.header() })).status, 200);
  assert.equal(await app.handle401(asAxios, sent), true, 'a late one finds it done');
  assert.equal(world.line.count('POST /v1/session/renew'), 1);
  assert.equal(await app.handle401({ statusCode: 401, header: { 'WWW-Authenticate': 'Basic' }, data: 'no' }), false);
  assert.equal(await app.handle401({ statusCode: 200, header: {} }), false);
  clock.move(10 * 60000);
  await outdate(app);
  assert.equal(await app.handle401(asAxios), true, 'without what was sent');
  assert.equal(world.line.count('POST /v1/session/renew'), 2);
});

// Somebody else's server: it notes what it is sent, and refuses all of it as Kaimen refuses a session that was ended.
const stranger = { seen: [] };
before(async () => {
  const refuse = (request, write) => {
    stranger.seen.push(request.headers);
    write();
  };
  stranger.server = http.createServer((request, response) => refuse(request, () => {
    request.resume();
    response.writeHead(401, { 'X-Kaimen-Reason': 'revoked', 'WWW-Authenticate': 'Bearer error="invalid_token", error_description="revoked"' });
    response.end('{"code":"unauthenticated","reason":"revoked"}');
  }));
  stranger.server.on('upgrade', (request, socket) => refuse(request, () => socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')));
  await new Promise((resolve) => stranger.server.listen(0, '127.0.0.1', resolve));
  stranger.host = `127.0.0.1:${stranger.server.address().port}`;
});
after(() => stranger.server.close());

for (const [kind, ask] of [
  ['request', (app) => app.request({ url: `http://${stranger.host}/` })],
  ['upload', (app) => app.uploadFile({ url: `http://${stranger.host}/`, filePath: file, name: 'photo' })],
  ['download', (app) => app.downloadFile({ url: `http://${stranger.host}/` })],
  ['socket', (app) => failure(app.connectSocket({ url: `ws://${stranger.host}/` }))],
]) test(`another's server: no ticket with a ${kind}, and its refusal is not about ours`, async () => {
  stranger.seen.length = 0;
  const phone = newPhone();
  const app = open(phone);
  await app.ready();
  world.line.seen.length = 0;
  const answer = await ask(app);
  assert.equal(answer.statusCode || answer.status, kind === 'socket' ? 0 : 401);
  assert.equal(stranger.seen.length, 1, 'sent once');
  assert.equal(stranger.seen[0].authorization, undefined);
  assert.deepEqual(world.line.seen, [], 'Kaimen is asked nothing');
  assert.deepEqual(phone.calls.showModal, []);
  assert.equal(app.session().state, 'logged_in');
});

test('whose an address is: its scheme, host and port, and nothing that only looks so', async () => {
  const sent = [];
  const host = {
    ...newPhone().wx,
    request(options) {
      sent.push(!!(options.header && options.header.Authorization));
      options.success({ statusCode: 200, header: {}, data: {} });
    },
  };
  const phone = newPhone();
  await open(phone).ready();
  const stored = JSON.parse([...phone.storage].find(([key]) => key.endsWith('.develop'))[1]);
  host.getStorageSync = (key) => (key.endsWith('.develop') ? stored : '');
  const app = createKaimen({ baseUrl: 'https://login.example.cn/kaimen', origins: ['https://api.example.cn/v2', 'wss://live.example.cn:443'], appId: world.kaimen.appId, host });
  await app.ready();
  const takes = async (url) => {
    sent.length = 0;
    await app.request({ url });
    return sent[0];
  };
  for (const url of ['/api', '//evil.example/', 'https://login.example.cn', 'HTTPS://API.example.cn:443/orders?a=1', 'https://api.example.cn#top', 'https://live.example.cn/']) {
    assert.equal(await takes(url), true, url);
  }
  for (const url of [
    'http://api.example.cn/', 'https://api.example.cn:8443/', 'https://api.example.cn.evil.example/', 'https://evil.example/https://api.example.cn/',
    'https://api.example.cn@evil.example/', 'https://api.example.cn\\@evil.example/', 'https://api.example.cn:@evil.example/', 'https://evil.example\\.api.example.cn/',
    ' https://api.example.cn/', 'https:/api.example.cn/', 'https://example.cn/', 'https://api.example.cn./', 'api.example.cn/', '',
  ]) assert.equal(await takes(url), false, url);
  assert.throws(() => createKaimen({ baseUrl: 'https://login.example.cn', origins: ['api.example.cn'], appId: 'wx0', host }), /origins/);
});
