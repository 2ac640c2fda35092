// The sample mini program: types against the official typings, templates against their pages, and its pages run on a phone.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync, cpSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { buildSync } from 'esbuild';
import { eventually, newPhone, useWorld, world } from './world/index.mjs';

useWorld();
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const example = mkdtempSync(join(tmpdir(), 'kaimen-example-'));
cpSync(join(root, 'example'), example, { recursive: true });
mkdirSync(join(example, 'node_modules/@kaimen'), { recursive: true });
symlinkSync(root, join(example, 'node_modules/@kaimen/miniprogram'));
symlinkSync(join(root, 'node_modules/miniprogram-api-typings'), join(example, 'node_modules/miniprogram-api-typings'));

const read = (name) => readFileSync(join(example, name), 'utf8');
const { pages } = JSON.parse(read('app.json'));

test('types', () => {
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', example, '--preserveSymlinks'], { encoding: 'utf8' });
  } catch (error) {
    assert.fail(error.stdout);
  }
});

test('every page has its four files, and every file of JSON is one', () => {
  for (const page of pages) for (const kind of ['ts', 'json', 'wxml', 'wxss']) assert.ok(existsSync(join(example, `${page}.${kind}`)), `${page}.${kind}`);
  for (const name of ['app.json', 'project.config.json', 'sitemap.json', ...pages.map((page) => page + '.json')]) JSON.parse(read(name));
});

/** The whole app with this phone's `wx`, as {path: page}. */
function run(phone) {
  const entry = join(example, 'entry.ts');
  writeFileSync(entry, ["import './app';", ...pages.map((page) => `here('${page}'); require('./${page}');`)].join('\n'));
  const { outputFiles } = buildSync({ entryPoints: [entry], bundle: true, write: false, format: 'iife', target: 'es2017', preserveSymlinks: true, logLevel: 'error' });
  const code = outputFiles[0].text.replace('http://127.0.0.1:8080', world.line.url).replaceAll('wxdev0000000000001', world.kaimen.appId);
  const found = {}, toasts = [];
  let path = '';
  vm.runInNewContext(code, {
    console, setTimeout, wx: { ...phone.wx, showToast: ({ title }) => toasts.push(title) },
    here: (name) => (path = name),
    App: (app) => app.onLaunch(),
    Page: (page) => (found[path] = Object.assign(page, { setData(data) { Object.assign(this.data, data); } })),
  });
  return { found, toasts };
}

test('templates name what their pages have', async () => {
  const { found } = run(newPhone());
  for (const page of pages) {
    const template = read(page + '.wxml').replace(/<!--.*?-->/gs, '');
    const open = [];
    for (const [, close, name, rest] of template.matchAll(/<(\/?)([a-z-]+)((?:"[^"]*"|[^>"])*)>/g)) {
      if (close) assert.equal(open.pop(), name, `${page}: </${name}>`);
      else if (!rest.trim().endsWith('/')) open.push(name);
      for (const [, handler] of rest.matchAll(/\bbind[a-z]+="(\w+)"/g)) assert.equal(typeof found[page][handler], 'function', `${page}: ${handler}`);
    }
    assert.deepEqual(open, [], page);
    for (const [, expression] of template.matchAll(/\{\{(.*?)\}\}/g)) {
      for (const name of expression.replace(/'[^']*'/g, '').match(/(?<![.\w])[a-z_]\w*/gi) || []) assert.ok(name === 'item' || name in found[page].data, `${page}: {{${name}}}`);
    }
  }
});

test('it runs: login, phone, profile, devices, scan, logout and in again', async () => {
  const phone = newPhone();
  phone.enter = { scene: 1047, path: 'pages/shop/shop', query: { scene: 'table-7' } };
  const { found, toasts } = run(phone);
  const [index, profile, devices, shop] = pages.map((page) => found[page]);
  await index.onLoad();
  assert.match(index.data.user.id, /^[0-9a-f]{32}$/);

  await index.bindPhone({ detail: await phone.phoneButton({ phone: '13600007777' }) });
  assert.match(index.data.user.phone_number, /13600007777/);
  await index.bindPhone({ detail: { errMsg: 'getPhoneNumber:fail user deny' } });
  assert.deepEqual(toasts, ['您没有授权']);

  await profile.onLoad();
  await profile.save({ detail: { value: { nickname: '阿丽' } } });
  assert.equal(profile.data.user.nickname, '阿丽');
  assert.equal(index.data.user.nickname, '阿丽');
  const png = join(example, 'a.png');
  writeFileSync(png, Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'));
  await profile.chooseAvatar({ detail: { avatarUrl: png } });
  assert.match(index.data.user.avatar_url, /avatars/);

  const other = run(Object.assign(newPhone(), { user: phone.user }));
  await other.found[pages[0]].onLoad();
  await devices.onShow();
  assert.equal(devices.data.devices.length, 2);
  await devices.end({ currentTarget: { dataset: { id: devices.data.devices.find((one) => !one.current).id } } });
  assert.equal(devices.data.devices.length, 1);

  await shop.onLoad({ scene: 'table-7' });
  assert.equal(shop.data.scene, 'table-7');
  const logins = world.line.seen.filter((one) => one.name === 'POST /v1/login').map((one) => JSON.parse(one.body));
  assert.ok(logins.some((login) => login.entry.query.scene === 'table-7'));

  await index.logout();
  assert.equal(index.data.ready, false);
  await index.start();
  await eventually(() => index.data.user);
});
