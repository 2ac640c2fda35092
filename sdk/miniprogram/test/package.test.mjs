// What is published: size, both module formats, no dependencies, ES2017, types.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { transformSync } from 'esbuild';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = (name) => readFileSync(join(root, 'dist', name), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

test('at most 8 KB, gzipped', () => {
  for (const name of ['index.js', 'index.mjs']) assert.ok(gzipSync(dist(name), { level: 9 }).length <= 8192, name);
});

test('no runtime dependencies', () => {
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'bundledDependencies']) assert.equal(manifest[kind], undefined);
  for (const name of ['index.js', 'index.mjs']) assert.doesNotMatch(dist(name), /\brequire\s*\(|\bimport\b[^.]|\bprocess\b|\bBuffer\b|\bwindow\b|\bdocument\b/, name);
});

test('ES2017, and no functions that came later', () => {
  for (const name of ['index.js', 'index.mjs']) {
    const code = dist(name);
    const as = (target) => transformSync(code, { target, charset: 'utf8' }).code;
    assert.ok(as('es2017') === as('esnext'), `${name} holds syntax younger than ES2017`);
    assert.ok(as('es2016') !== as('esnext'), 'the comparison can tell');
    assert.doesNotMatch(code, /\.finally\(|\.flat\(|\.flatMap\(|fromEntries|allSettled|matchAll|globalThis|\.at\(|replaceAll/);
  }
});

test('CommonJS and ESM name the same things', async () => {
  const app = mkdtempSync(join(tmpdir(), 'kaimen-sdk-app-'));
  mkdirSync(join(app, 'node_modules/@kaimen'), { recursive: true });
  symlinkSync(root, join(app, 'node_modules/@kaimen/miniprogram'));
  writeFileSync(join(app, 'a.cjs'), "console.log(Object.keys(require('@kaimen/miniprogram')).sort().join())");
  writeFileSync(join(app, 'a.mjs'), "import * as kaimen from '@kaimen/miniprogram'; console.log(Object.keys(kaimen).sort().join())");
  const names = ['a.cjs', 'a.mjs'].map((name) => execFileSync(process.execPath, [join(app, name)], { encoding: 'utf8' }).trim());
  assert.deepEqual(names, ['KaimenError,createKaimen,errorCodes,reasons', 'KaimenError,createKaimen,errorCodes,reasons']);
});

test('every file the manifest names is there, and the published list has nothing else but the README', () => {
  const named = [manifest.main, manifest.module, manifest.types, manifest.miniprogram, ...Object.values(manifest.exports['.']).flatMap(Object.values)];
  for (const name of named) assert.ok(existsSync(join(root, name)), name);
  assert.deepEqual(manifest.files, ['dist', 'README.md']);
  assert.ok(readdirSync(join(root, 'dist')).every((name) => /^[a-z]+(\.js|\.mjs|\.d\.ts|\.d\.mts)$/.test(name)));
});

test('the lock file names no addresses', () => {
  assert.doesNotMatch(readFileSync(join(root, 'package-lock.json'), 'utf8'), /"resolved"|https?:\/\/registry/);
});

// Types, as users of each kind see them: the errors of a program of one file that imports the package.
function checkTypes(source, { module = 'CommonJS', resolution = 'Node10', types = [], extension = 'ts' } = {}) {
  const app = mkdtempSync(join(tmpdir(), 'kaimen-sdk-types-'));
  mkdirSync(join(app, 'node_modules/@kaimen'), { recursive: true });
  symlinkSync(root, join(app, 'node_modules/@kaimen/miniprogram'));
  symlinkSync(join(root, 'node_modules/miniprogram-api-typings'), join(app, 'node_modules/miniprogram-api-typings'));
  const file = join(app, `app.${extension}`);
  writeFileSync(file, source);
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2017, lib: ['lib.es2017.d.ts'], module: ts.ModuleKind[module], moduleResolution: ts.ModuleResolutionKind[resolution],
    types, typeRoots: [join(app, 'node_modules')], strict: true, noEmit: true, skipLibCheck: types.length > 0, preserveSymlinks: true,
  });
  return ts.getPreEmitDiagnostics(program).map((one) => `TS${one.code}: ${ts.flattenDiagnosticMessageText(one.messageText, ' ')}`);
}

test('the official typings: `wx` is a host, and its options and answers are ours', () => {
  const source = `
    import { createKaimen, type Host, type RequestOptions } from '@kaimen/miniprogram';
    const host: Host = wx;
    const kaimen = createKaimen({ baseUrl: 'https://login.example.cn', appId: 'wx0', host: wx });
    const official: WechatMiniprogram.RequestOption = { url: '/api/orders', method: 'POST', data: { id: 1 } };
    const upload: WechatMiniprogram.UploadFileOption = { url: '/api/photo', filePath: 'wxfile://a', name: 'photo' };
    const download: WechatMiniprogram.DownloadFileOption = { url: '/api/report' };
    const socket: WechatMiniprogram.ConnectSocketOption = { url: 'wss://example.cn/socket' };
    kaimen.request(official).then((answer) => answer.statusCode.toFixed());
    kaimen.uploadFile(upload).abort();
    kaimen.downloadFile(download).then((answer) => answer.tempFilePath.length);
    kaimen.connectSocket(socket).then((task) => { task.onMessage((message) => message.data); task.send({ data: 'x' }); });
    kaimen.request<{ id: number }>({ url: '/api/orders' }).then(({ data }) => data.id.toFixed());
    Page({
      async phone(event: WechatMiniprogram.CustomEvent<{ code: string; encryptedData: string; iv: string; errMsg: string }>) { await kaimen.bindPhone(event.detail); },
      async avatar(event: WechatMiniprogram.CustomEvent<{ avatarUrl: string }>) { await kaimen.uploadAvatar(event.detail.avatarUrl); },
      async profile() { await kaimen.updateFromWechat(() => wx.getUserInfo({ withCredentials: true })); },
    });
    export { host };
  `;
  assert.deepEqual(checkTypes(source, { types: ['miniprogram-api-typings'] }), []);
});

test('and what is wrong is an error: the check can fail', () => {
  const source = `
    import { createKaimen, type Host } from '@kaimen/miniprogram';
    const kaimen = createKaimen({ baseUrl: '', appId: '', host: wx });
    kaimen.request({ url: '/a', method: 'PATCH' });
    kaimen.onChange((change) => change.kind === 'nonsense');
    export const host: Host = { login: wx.login };
  `;
  const errors = checkTypes(source, { types: ['miniprogram-api-typings'] });
  assert.deepEqual(errors.map((error) => error.slice(0, 6)), ['TS2322', 'TS2367', 'TS2740'], errors.join('\n'));
});

test('types in CommonJS, ESM and bundlers, without the official typings', () => {
  const source = `
    import { createKaimen, KaimenError, type Host } from '@kaimen/miniprogram';
    export const make = (host: Host) => createKaimen({ baseUrl: '', appId: '', host });
    export const is = (error: unknown) => error instanceof KaimenError && error.code === 'stale_session_key';
  `;
  assert.deepEqual(checkTypes(source), []);
  assert.deepEqual(checkTypes(source, { module: 'Node16', resolution: 'Node16', extension: 'mts' }), []);
  assert.deepEqual(checkTypes(source, { module: 'Node16', resolution: 'Node16', extension: 'cts' }), []);
  assert.deepEqual(checkTypes(source, { module: 'ES2020', resolution: 'Bundler' }), []);
});
