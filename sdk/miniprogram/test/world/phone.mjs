// A phone for tests: the `wx` of one mini program, with the real one's rules. wx.login asks the sandbox for a code; requests are real HTTP.
//
// Kept rules: any HTTP status reaches `success`; methods that wx.request does not know are refused (PATCH); Referer cannot be set and names
// the mini program; ten requests at a time; time-outs, "fail interrupted" in the background; callbacks, or a promise where none are given.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { rawRequest, rawSocket } from './net.mjs';

const methods = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT'];
const parallel = 10;

export class Phone {
  storage = new Map();
  /** Set to have the next calls go wrong: {login: {errMsg, errno}}, {checkSession: …}; or a function. */
  faults = {};
  calls = { login: 0, checkSession: 0, showModal: [] };
  enter = { scene: 1001, path: 'pages/index', query: {} };
  envVersion = 'develop';
  answerModal = true;
  storageFull = false;
  online = true;
  codes = 0;
  #listeners = [];
  #running = 0;
  #waiting = [];
  #open = new Set();

  constructor(kaimen, user, { style = 'callback', headerCase = (name) => name } = {}) {
    Object.assign(this, { kaimen, user, style, headerCase });
    this.wx = this.#host();
  }

  /** The app is killed and opened again: memory is gone, storage stays. */
  restart() {
    this.#listeners = [];
    for (const stop of this.#open) stop('request:fail abort');
    this.wx = this.#host();
    return this.wx;
  }

  /** Five seconds in the background: whatever is under way is interrupted. */
  background() {
    for (const stop of [...this.#open]) stop('request:fail interrupted');
  }
  show(enter) {
    if (enter) this.enter = enter;
    for (const listener of this.#listeners) listener(this.enter);
  }

  /** Encrypted data as a button gives it, under the session_key of now, or the one before. */
  phoneButton(more = {}) {
    return this.kaimen.control('POST', '/phone', { appid: this.kaimen.appId, user: this.user, ...more }).then((detail) => ({ errMsg: 'getPhoneNumber:ok', ...detail }));
  }
  userInfo(more = {}) {
    return this.kaimen.control('POST', '/user-info', { appid: this.kaimen.appId, user: this.user, nickName: '阿丽', ...more });
  }

  #host() {
    const phone = this;
    /** An asynchronous function of `wx`: callbacks, or a promise where there are none; some hosts do both. */
    const asynchronous = (name, work) => (options = {}) => {
      const done = (async () => {
        const fault = phone.faults[name];
        if (fault) throw typeof fault === 'function' ? await fault() : fault;
        return work(options);
      })();
      const told = options.success || options.fail || options.complete;
      if (told) {
        done.then(
          (result) => { options.success?.(result); options.complete?.(result); },
          (failure) => { options.fail?.(failure); options.complete?.(failure); },
        );
      }
      return phone.style === 'both' || (!told && phone.style === 'promise') ? done : undefined;
    };
    const failure = (errMsg, errno) => Object.assign({ errMsg }, errno && { errno });

    /** Requests, uploads and downloads: a task with abort, ten at a time. */
    const networked = (name, prepare) => (options) => {
      let stop = () => {};
      const listeners = { header: [], progress: [] };
      const wrong = prepare.refuses?.(options);
      const done = new Promise((resolve, reject) => {
        let over = false;
        const end = (settle) => (value) => {
          if (over) return;
          over = true;
          phone.#open.delete(stop);
          settle(value);
        };
        stop = (errMsg) => { end(reject)(failure(errMsg.replace('request:', name + ':'))); running?.destroy(); };
        let running;
        if (wrong) return setImmediate(() => end(reject)(failure(`${name}:fail ${wrong}`)));
        phone.#open.add(stop);
        phone.#slot(async () => {
          if (over) return;
          if (!phone.online) return end(reject)(failure(`${name}:fail `, 600001));
          const out = prepare(options);
          const headers = { Referer: `https://servicewechat.com/${phone.kaimen.appId}/0/page-frame.html` };
          for (const [key, value] of Object.entries(options.header || {})) if (!/^referer$/i.test(key)) headers[key] = value;
          Object.assign(headers, out.headers);
          await rawRequest({ ...out, headers, timeout: options.timeout || 60000 }, (request) => (running = request)).then((answer) => {
            const header = Object.fromEntries(Object.entries(answer.headers).map(([key, value]) => [phone.headerCase(key), value]));
            for (const listener of listeners.header) listener({ header });
            for (const listener of listeners.progress) listener({ progress: 100 });
            end(resolve)(out.result(answer, header));
          }, (error) => end(reject)(failure(`${name}:fail ${error.code === 'TIMEOUT' ? 'timeout' : error.message}`, error.code === 'TIMEOUT' ? 5 : 600001)));
        });
      });
      done.then(
        (result) => { options.success?.(result); options.complete?.(result); },
        (reason) => { options.fail?.(reason); options.complete?.(reason); },
      );
      const task = {
        abort: () => stop('request:fail abort'),
        onHeadersReceived: (listener) => listeners.header.push(listener),
        onProgressUpdate: (listener) => listeners.progress.push(listener),
      };
      return phone.style === 'both' ? Object.assign(done, task) : task;
    };

    const request = ({ url, method = 'GET', data, header = {}, dataType = 'json' }) => {
      let body;
      const target = new URL(url);
      if (data !== undefined && method === 'GET') for (const [key, value] of Object.entries(data)) target.searchParams.set(key, value);
      else if (typeof data === 'string' || Buffer.isBuffer(data)) body = data;
      else if (data !== undefined) body = JSON.stringify(data);
      const typed = Object.keys(header).some((key) => /^content-type$/i.test(key));
      return {
        url: target, method, body, headers: typed ? {} : { 'Content-Type': 'application/json' },
        result: (answer, received) => ({ errMsg: 'request:ok', statusCode: answer.status, header: received, cookies: [], data: dataType === 'json' ? asJson(answer.body) : answer.body.toString() }),
      };
    };
    request.refuses = ({ url, method = 'GET' }) =>
      !methods.includes(method) ? `invalid method "${method}"` : !/^https?:\/\//.test(url) ? `invalid url "${url}"` : '';

    const upload = ({ url, filePath, name, formData = {} }) => {
      const boundary = 'wx' + Math.random().toString(16).slice(2);
      const parts = Object.entries(formData).map(([key, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`);
      const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${basename(filePath)}"\r\nContent-Type: image/png\r\n\r\n`;
      const body = Buffer.concat([Buffer.from(parts.join('') + head), readFileSync(filePath), Buffer.from(`\r\n--${boundary}--\r\n`)]);
      return {
        url: new URL(url), method: 'POST', body, headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
        result: (answer) => ({ errMsg: 'uploadFile:ok', statusCode: answer.status, data: answer.body.toString() }),
      };
    };
    const download = ({ url }) => ({
      url: new URL(url), method: 'GET', headers: {},
      result: (answer) => {
        const tempFilePath = 'http://tmp/' + Math.random().toString(16).slice(2);
        phone.files.set(tempFilePath, answer.body);
        return { errMsg: 'downloadFile:ok', statusCode: answer.status, tempFilePath };
      },
    });

    return {
      login: asynchronous('login', async () => {
        phone.calls.login += 1;
        if (!phone.online) throw failure('login:fail ', 600001);
        return { errMsg: 'login:ok', code: (await phone.kaimen.control('POST', '/login', { appid: phone.kaimen.appId, user: phone.user, ...phone.loginWith })).code };
      }),
      checkSession: asynchronous('checkSession', async () => {
        phone.calls.checkSession += 1;
        return { errMsg: 'checkSession:ok' };
      }),
      request: networked('request', request),
      uploadFile: networked('uploadFile', upload),
      downloadFile: networked('downloadFile', download),
      // Taro's gives a promise of the task.
      connectSocket: (options) => (phone.style === 'both' ? Promise.resolve(rawSocket(options)) : rawSocket(options)),
      showModal: asynchronous('showModal', async (options) => {
        phone.calls.showModal.push(options.content);
        return { errMsg: 'showModal:ok', confirm: await phone.answerModal, cancel: !(await phone.answerModal) };
      }),
      // Storage keeps copies: what is changed later is not changed in it.
      getStorageSync: (key) => (phone.storage.has(key) ? JSON.parse(phone.storage.get(key)) : ''),
      setStorageSync: (key, value) => {
        if (phone.storageFull) throw new Error('setStorageSync:fail exceed storage max size 10Mb');
        phone.storage.set(key, JSON.stringify(value));
      },
      removeStorageSync: (key) => phone.storage.delete(key),
      getAccountInfoSync: () => ({ miniProgram: { appId: phone.kaimen.appId, envVersion: phone.envVersion, version: '' } }),
      getEnterOptionsSync: () => phone.enter,
      getDeviceInfo: () => ({ model: 'iPhone 15', system: 'iOS 18.1', platform: 'ios', brand: 'iPhone' }),
      onAppShow: (listener) => phone.#listeners.push(listener),
    };
  }

  files = new Map();

  async #slot(work) {
    if (this.#running >= parallel) await new Promise((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
    this.most = Math.max(this.most || 0, this.#running);
    try {
      await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

function asJson(body) {
  try {
    return JSON.parse(body.toString());
  } catch {
    return body.toString();
  }
}
