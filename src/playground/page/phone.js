// The `wx` of a phone in the browser. wx.login and the buttons ask the sandbox, requests to Kaimen are real HTTP to the public listener, and
// shop.example.cn is a backend behind nginx, whose check is the real GET /verify. Whatever passes is drawn.
import { facts, sandbox, verify, wire } from './server.js';
import { arrow, note } from './timeline.js';
import { say } from './words.js';

export const shop = 'https://shop.example.cn';
const short = (text, length = 14) => (text.length > length ? text.slice(0, length) + '…' : text);

let speaker = null;

export class Phone {
  storage = new Map();
  listeners = [];
  online = true;
  rotate = undefined;

  constructor(user, model, name, seen) {
    Object.assign(this, { user, model, name, seen });
  }

  /** Where there are two, whose arrows these are. */
  speak() {
    if (speaker && speaker !== this) note('phone', this.name);
    speaker = this;
  }

  /** The app's memory goes, what it stored stays. */
  host(ask) {
    this.listeners = [];
    const called = (options, work) => {
      Promise.resolve().then(work).then((result) => options.success?.(result), (error) => options.fail?.(error.errMsg ? error : { errMsg: String(error) }));
    };
    return {
      login: (options) => called(options, () => this.login()),
      checkSession: (options) => called(options, () => this.checkSession()),
      request: (options) => called(options, () => this.request(options)),
      uploadFile: (options) => called(options, () => { throw { errMsg: 'uploadFile:fail no files here' }; }),
      downloadFile: (options) => called(options, () => { throw { errMsg: 'downloadFile:fail no files here' }; }),
      connectSocket: () => undefined,
      showModal: (options) => called(options, async () => ({ confirm: await ask(options) })),
      getStorageSync: (key) => (this.storage.has(key) ? JSON.parse(this.storage.get(key)) : ''),
      setStorageSync: (key, value) => this.storage.set(key, JSON.stringify(value)),
      removeStorageSync: (key) => this.storage.delete(key),
      getAccountInfoSync: () => ({ miniProgram: { envVersion: 'develop' } }),
      getEnterOptionsSync: () => ({ scene: 1001, path: 'pages/index/index', query: {} }),
      getDeviceInfo: () => ({ model: this.model, system: 'iOS 18.1', platform: 'ios' }),
      onAppShow: (listener) => this.listeners.push(listener),
    };
  }

  async login() {
    this.speak();
    arrow('phone', 'wechat', 'wx.login()');
    if (!this.online) throw { errMsg: 'login:fail no network' };
    const { code } = await sandbox('POST', '/login', { appid: facts.app_id, user: this.user, rotate: this.rotate });
    arrow('wechat', 'phone', `code ${short(code, 8)}`, { note: say('good once, for five minutes', '一次有效，五分钟'), detail: { code } });
    return { code, errMsg: 'login:ok' };
  }

  async checkSession() {
    this.speak();
    arrow('phone', 'wechat', 'wx.checkSession()');
    arrow('wechat', 'phone', say('ok, the key stands', '有效'), { tone: 'good' });
    return { errMsg: 'checkSession:ok' };
  }

  /** What the phone button gives; `old`: encrypted, as old clients have it. */
  async phoneButton(old) {
    arrow('phone', 'wechat', say('button: phone number', '按钮：手机号'));
    const { code, encryptedData, iv } = await sandbox('POST', '/phone', { appid: facts.app_id, user: this.user });
    if (old) arrow('wechat', 'phone', say('encryptedData, iv', '密文与 iv'), { note: say('under the session_key of this moment', '用此刻的 session_key 加密'), detail: { encryptedData, iv } });
    else arrow('wechat', 'phone', `code ${short(code, 8)}`, { note: say('another code, good once', '另一种 code，一次有效'), detail: { code } });
    return old ? { errMsg: 'getPhoneNumber:ok', encryptedData, iv } : { errMsg: 'getPhoneNumber:ok', code };
  }

  async request(options) {
    this.speak();
    if (!this.online) {
      note('phone', say('no network', '没有网络'));
      throw { errMsg: 'request:fail no network' };
    }
    return options.url.startsWith(shop) ? this.toBackend(options) : this.toKaimen(options);
  }

  async toKaimen({ url, method = 'GET', header = {}, data }) {
    const path = url.slice(facts.public.length);
    const body = data === undefined ? undefined : typeof data === 'string' ? data : JSON.stringify(data);
    const asked = arrow('phone', 'kaimen', `${method} ${path}`, { note: said(body), detail: { method, path, header, body: body && JSON.parse(body) }, pending: true });
    const before = (await sandbox('GET', '/calls')).items.length;
    const answer = await wire('public', method, path, header, body);
    asked.done();
    for (const call of (await sandbox('GET', '/calls')).items.slice(before)) drawCall(call);
    if (answer.failure) {
      arrow('kaimen', 'phone', answer.failure, { tone: 'bad' });
      throw { errMsg: 'request:fail ' + answer.failure };
    }
    const json = answer.body ? JSON.parse(answer.body) : '';
    arrow('kaimen', 'phone', headline(answer.status, json), {
      tone: answer.status < 300 ? 'good' : 'bad', note: answer.status < 300 && json.token ? say('and a renew token', '以及续期令牌') : '', detail: json || null,
    });
    return { statusCode: answer.status, header: answer.headers, data: json, errMsg: 'request:ok' };
  }

  async toBackend({ url, method = 'GET', header = {} }) {
    const path = url.slice(shop.length);
    arrow('phone', 'backend', `${method} ${path}`, { note: header.Authorization ? short(header.Authorization, 18) : say('no ticket', '没有票据'), detail: { method, url, header } });
    arrow('backend', 'kaimen', 'GET /verify', { note: 'auth_request' });
    const checked = await verify(header.Authorization);
    const reason = checked.headers['x-kaimen-reason'];
    if (checked.status === 204) {
      arrow('kaimen', 'backend', '204', { tone: 'good', note: `X-Kaimen-User: ${short(checked.headers['x-kaimen-user'], 8)}`, detail: checked.headers });
      arrow('backend', 'phone', '200', { tone: 'good', note: say('order placed', '已下单') });
    } else {
      arrow('kaimen', 'backend', `${checked.status} ${reason || ''}`, { tone: 'bad', detail: checked.headers });
      arrow('backend', 'phone', `${checked.status} ${reason || ''}`, { tone: 'bad', note: say('the backend never saw it', '后端没有见到这个请求') });
    }
    this.seen(checked);
    return { statusCode: checked.status === 204 ? 200 : checked.status, header: checked.headers, data: checked.status === 204 ? { order: 1 } : {}, errMsg: 'request:ok' };
  }
}

/** The members of a body that tell the story. */
function said(body) {
  if (!body) return '';
  const { code, renew_token: renew, phone, encryptedData } = JSON.parse(body);
  return code ? `{ code: ${short(code, 8)}${phone ? ', phone' : ''} }` : renew ? `{ renew_token: ${short(renew, 10)} }` : encryptedData ? '{ encryptedData, iv }' : '';
}

function headline(status, json) {
  if (json.token) return `${status} ${short(json.token, 12)}`;
  if (json.code) return `${status} ${json.code}${json.reason ? ', ' + json.reason : ''}`;
  return String(status);
}

function drawCall(call) {
  const failed = call.errcode || (call.fault && call.fault !== 'none');
  const path = call.path.replace(/^.*\//, '');
  arrow('kaimen', 'wechat', path, { note: path === 'jscode2session' ? say('appid, secret, code', 'appid、secret、code') : '', detail: call });
  if (failed) arrow('wechat', 'kaimen', `errcode ${call.errcode ?? call.fault}`, { tone: 'bad' });
  else if (path === 'jscode2session') arrow('wechat', 'kaimen', 'openid, session_key', { tone: 'good', note: say('the key stays here', '密钥只留在这里') });
  else arrow('wechat', 'kaimen', 'ok', { tone: 'good' });
}
