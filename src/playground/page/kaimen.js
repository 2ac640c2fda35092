// Made from sdk/miniprogram/src by `npm run playground`; not to be edited.
var __getOwnPropSymbols = Object.getOwnPropertySymbols;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __propIsEnum = Object.prototype.propertyIsEnumerable;
var __objRest = (source, exclude) => {
  var target = {};
  for (var prop in source)
    if (__hasOwnProp.call(source, prop) && exclude.indexOf(prop) < 0)
      target[prop] = source[prop];
  if (source != null && __getOwnPropSymbols)
    for (var prop of __getOwnPropSymbols(source)) {
      if (exclude.indexOf(prop) < 0 && __propIsEnum.call(source, prop))
        target[prop] = source[prop];
    }
  return target;
};

// src/errors.ts
var errorCodes = [
  "invalid_request",
  "unauthenticated",
  "forbidden",
  "registration_required",
  "not_found",
  "method_not_allowed",
  "conflict",
  "code_invalid",
  "code_used",
  "risk_blocked",
  "stale_session_key",
  "signature_invalid",
  "decrypt_failed",
  "content_rejected",
  "payload_too_large",
  "rate_limited",
  "app_misconfigured",
  "upstream_busy",
  "upstream_error",
  "unavailable",
  "internal"
];
var reasons = [
  "missing",
  "malformed",
  "revoked",
  "replaced",
  "disabled",
  "deleted",
  "reused",
  "logged_out",
  "expired",
  "renew"
];
var KaimenError = class extends Error {
  constructor(code, parts = {}) {
    const words2 = [parts.reason, parts.notice || parts.detail || parts.errMsg].filter(Boolean).join(", ");
    super(words2 ? code + ": " + words2 : code);
    this.name = "KaimenError";
    this.code = code;
    Object.assign(this, parts);
  }
};
var isLost = (error) => error instanceof KaimenError && ["network", "timeout", "interrupted"].indexOf(error.code) >= 0;
function codeOf(error) {
  return error instanceof KaimenError ? error.code : "";
}
function parsed(data) {
  try {
    const body = typeof data === "string" ? JSON.parse(data) : data;
    return typeof body === "object" && body ? body : void 0;
  } catch (_) {
    return void 0;
  }
}
function fromAnswer(answer) {
  const status = answer.statusCode;
  const body = parsed(answer.data) || {};
  if (errorCodes.indexOf(body.code) < 0) return new KaimenError(status >= 500 ? "unavailable" : "bad_answer", { status });
  return new KaimenError(body.code, {
    status,
    reason: body.reason,
    detail: body.detail,
    notice: body.message,
    until: body.until,
    missing: body.missing,
    retryAfter: body.retry_after,
    requestId: body.request_id,
    upstream: body.upstream
  });
}
function fromFailure(failure, otherwise = "network") {
  const errMsg = String(failure && failure.errMsg || failure || "");
  const errno = failure && failure.errno;
  const code = errno === 1402101 ? "login_blocked" : /abort/.test(errMsg) ? "aborted" : /interrupted/.test(errMsg) ? "interrupted" : /time?.?out/i.test(errMsg) ? "timeout" : otherwise;
  return new KaimenError(code, { status: 0, errMsg, errno });
}

// src/host.ts
function start(host, method, options) {
  let task;
  const result = new Promise((success, fail) => {
    task = host[method](Object.assign({}, options, { success, fail }));
    if (task && typeof task.then === "function") task.then(success, fail);
  });
  return { result, task };
}
function headerOf(header, name) {
  for (const key of Object.keys(header || {})) {
    if (key.toLowerCase() === name) return String(header[key]);
  }
  return "";
}

// src/authorized.ts
function refusal(answer) {
  if (answer.statusCode !== 401) return void 0;
  const { header } = answer;
  const quoted = /^Bearer error="invalid_token", *error_description="(\w+)"/i.exec(headerOf(header, "www-authenticate"));
  const said = headerOf(header, "x-kaimen-reason") || (quoted ? quoted[1] : problemReason(answer.data));
  return reasons.indexOf(said) >= 0 ? said : void 0;
}
function problemReason(data) {
  const body = parsed(data);
  return body && body.code === "unauthenticated" ? body.reason : "";
}
async function authorized(sessions, send, optional = false) {
  const ticket = await sessions.ticket(optional);
  const answer = await send(ticket);
  const reason = refusal(answer);
  if (!reason) return answer;
  const other = await sessions.heal(ticket, reason, optional);
  if (!other || other === ticket) throw new KaimenError("unauthenticated", { status: 401, reason });
  const again = await send(other);
  const still = refusal(again);
  if (still) throw new KaimenError("unauthenticated", { status: 401, reason: still });
  return again;
}

// src/account.ts
var Account = class {
  constructor(transport, sessions) {
    this.transport = transport;
    this.sessions = sessions;
  }
  async updateProfile(change) {
    return this.changed((token) => this.transport.answer({ method: "POST", path: "/v1/me", body: change, token, twice: true }));
  }
  /** `filePath`: what `bindchooseavatar` gives in `event.detail.avatarUrl`. The avatar may show later where WeChat looks at it first. */
  async uploadAvatar(filePath) {
    const { transport } = this;
    return this.changed((ticket) => start(transport.host, "uploadFile", {
      url: transport.baseUrl + "/v1/me/avatar",
      filePath,
      name: "file",
      header: { Authorization: "Bearer " + ticket },
      timeout: 6e4
    }).result.catch((failure) => {
      throw fromFailure(failure);
    }));
  }
  /**
   * What WeChat signed or encrypted of the user. A function is best: `() => wx.getUserInfo({ withCredentials: true })`. It is called when
   * the login is done and the session_key stands, and once more where the server says that the key was another.
   */
  async updateFromWechat(proof) {
    const again = typeof proof === "function" ? proof : () => Promise.resolve(proof);
    return this.encrypted("/v1/me/wechat-profile", async () => profileProof(await again()));
  }
  /** `detail`: what the phone button's event carries. The `code` of today needs no session_key; encrypted data of old clients does. */
  async bindPhone(detail) {
    const body = phoneProof(detail);
    return this.encrypted("/v1/me/phone", () => Promise.resolve(body));
  }
  registration() {
    return this.call({ method: "GET", path: "/v1/me/registration", twice: true });
  }
  async register(answers) {
    return this.sessions.keepRegistered(await this.call({ method: "POST", path: "/v1/me/registration", body: answers }));
  }
  async devices() {
    return (await this.call({ method: "GET", path: "/v1/me/sessions", twice: true })).items;
  }
  async endDevice(id) {
    await this.call({ method: "DELETE", path: "/v1/me/sessions/" + encodeURIComponent(id), twice: true });
  }
  async endOtherDevices() {
    await this.call({ method: "DELETE", path: "/v1/me/sessions?except=current", twice: true });
  }
  /** The address to open a web-view with, so that its page is logged in: good once, for a minute. */
  async webViewUrl(to) {
    return (await this.call({ method: "POST", path: "/v1/session/handoff", body: { to } })).url;
  }
  /**
   * Sends data that may be encrypted with the session_key. A login before it can make the server know the key that encrypted it (the app
   * was killed between wx.login and the server's answer), so a stale key costs one login and one more try.
   */
  async encrypted(path, make) {
    await this.sessions.ready();
    const send = async () => {
      const body = await make();
      return this.changed((token) => this.transport.answer({ method: "POST", path, body, token }));
    };
    return send().catch(async (error) => {
      const stale = codeOf(error) === "stale_session_key" || codeOf(error) === "signature_invalid";
      if (!stale || !this.sessions.current.user) throw error;
      await this.sessions.login();
      return send();
    });
  }
  /** Sends what changes the user, and keeps the user that the answer tells of. */
  async changed(send) {
    let sent;
    const { statusCode, header, data } = await authorized(this.sessions, (ticket) => send(sent = ticket));
    return this.sessions.keepUser(this.transport.success({ statusCode, header, data: parsed(data) }), sent);
  }
  async call(outgoing) {
    const { transport, sessions } = this;
    const answer = await authorized(sessions, (token) => transport.answer(Object.assign({ token }, outgoing)));
    return transport.success(answer);
  }
};
function profileProof(given) {
  const { rawData, signature, encryptedData, iv } = given;
  return { rawData, signature, encryptedData, iv };
}
function phoneProof(given) {
  const { code, encryptedData, iv, errMsg, errno } = given;
  if (code) return { code };
  if (encryptedData && iv) return { encryptedData, iv };
  throw new KaimenError("denied", { status: 0, errMsg, errno });
}

// src/storage.ts
var Storage = class {
  constructor(host, appId, env) {
    this.host = host;
    this.key = "kaimen." + appId + "." + env;
  }
  load() {
    const stored = this.read(this.key);
    if (!stored || typeof stored !== "object") return {};
    const { kept, ended } = stored;
    if (kept && kept.token && kept.renew_token && kept.session && kept.user) return { kept };
    return ended ? { ended } : {};
  }
  /** An older session must not stay where a newer one finds no room: its renew token would look like a copy in other hands. */
  save(stored) {
    if (!this.write(this.key, stored)) this.remove(this.key);
  }
  /** Set while wx.login may have replaced the session_key and the server may not know it yet. */
  get loginPending() {
    return !!this.read(this.key + ".login");
  }
  set loginPending(pending) {
    if (pending) this.write(this.key + ".login", 1);
    else this.remove(this.key + ".login");
  }
  /** Tickets of sessions that the user ended and the server did not hear of. */
  get unheardLogouts() {
    const tokens = this.read(this.key + ".logout");
    return Array.isArray(tokens) ? tokens : [];
  }
  set unheardLogouts(tokens) {
    if (tokens.length) this.write(this.key + ".logout", tokens.slice(-5));
    else this.remove(this.key + ".logout");
  }
  /** Made once. It tells one phone from another among a user's devices and is no secret. */
  deviceId() {
    let id = this.read("kaimen.device");
    if (typeof id !== "string" || !id) {
      id = randomName();
      this.write("kaimen.device", id);
    }
    return id;
  }
  read(key) {
    try {
      return this.host.getStorageSync(key);
    } catch (_) {
      return void 0;
    }
  }
  write(key, value) {
    try {
      this.host.setStorageSync(key, value);
      return true;
    } catch (_) {
      return false;
    }
  }
  remove(key) {
    try {
      this.host.removeStorageSync(key);
    } catch (_) {
    }
  }
};
function randomName() {
  let name = "";
  while (name.length < 32) name += Math.random().toString(36).slice(2);
  return name.slice(0, 32);
}

// src/login.ts
var singlePage = 1154;
var codeTimeout = 1e4;
var LoginFlow = class {
  constructor(transport, storage, appId, env) {
    this.transport = transport;
    this.storage = storage;
    this.appId = appId;
    this.env = env;
  }
  /** 单页模式, the preview in a chat or timeline: there is no wx.login. */
  get anonymousOnly() {
    return Number(this.entry().scene) === singlePage;
  }
  /** What the scanned mini-program code says; empty: the app was not entered by one. */
  get scanned() {
    const { path, query } = this.entry();
    return query && query.scene ? path + "?" + query.scene : "";
  }
  /** `oldToken` names the session that this one takes the place of, quietly. */
  async run(parts, oldToken) {
    try {
      return await this.exchange(parts, oldToken);
    } catch (error) {
      if (codeOf(error) !== "code_invalid" && codeOf(error) !== "code_used") throw error;
      return this.exchange(parts, oldToken);
    }
  }
  /** Whether WeChat's session_key still stands. */
  keyStands() {
    return start(this.host, "checkSession", {}).result.then(() => true, () => false);
  }
  async exchange(parts, oldToken) {
    const code = await this.code();
    const { scene, path, query } = this.entry();
    return this.transport.send({
      method: "POST",
      path: "/v1/login",
      // The attempt has the server know a code that it has seen: an answer lost on the way is answered again.
      body: Object.assign({ app_id: this.appId, code, attempt: randomName(), env_version: this.env, device: this.device() }, parts, {
        entry: { scene: Number(scene) || void 0, path: String(path || "").slice(0, 128), query: query || {} }
      }),
      token: oldToken,
      twice: true
    });
  }
  async code() {
    const got = await start(this.host, "login", { timeout: codeTimeout }).result.catch((failure) => {
      throw fromFailure(failure, "login_failed");
    });
    if (!got || !got.code) throw new KaimenError("login_failed", { status: 0, detail: "wx.login gave no code" });
    return got.code;
  }
  entry() {
    const { host } = this;
    const options = host.getEnterOptionsSync ? host.getEnterOptionsSync() : host.getLaunchOptionsSync && host.getLaunchOptionsSync();
    return options || {};
  }
  device() {
    const { host } = this;
    const info = (host.getDeviceInfo ? host.getDeviceInfo() : host.getSystemInfoSync && host.getSystemInfoSync()) || {};
    const device = { id: this.storage.deviceId() };
    for (const name of ["model", "system", "platform"]) device[name] = String(info[name] || "").slice(0, 40);
    return device;
  }
  get host() {
    return this.transport.host;
  }
};

// src/origins.ts
function originOf(url) {
  const found = /^(?:http|ws)(s?):\/\/([^/?#]+)/.exec(url.toLowerCase());
  return found ? "http" + found[1] + "://" + found[2].replace(found[1] ? /:443$/ : /:80$/, "") : "";
}
var Origins = class {
  constructor(baseUrl, more = []) {
    this.ours = [baseUrl].concat(more).map(originOf);
    if (this.ours.indexOf("", 1) > 0) throw new Error('createKaimen: `origins` are such as "https://api.example.cn"');
  }
  has(url) {
    const origin = originOf(url);
    return !!origin && this.ours.indexOf(origin) >= 0;
  }
};

// src/requests.ts
var Requests = class {
  constructor(host, baseUrl, origins, sessions) {
    this.host = host;
    this.baseUrl = baseUrl;
    this.origins = origins;
    this.sessions = sessions;
  }
  request(options) {
    return this.run("request", options);
  }
  uploadFile(options) {
    return this.run("uploadFile", options);
  }
  downloadFile(options) {
    return this.run("downloadFile", options);
  }
  /**
   * Resolves with the open socket. A handshake that is refused says no reason to the phone, so after a failure the server is asked how the
   * session stands, and the socket is opened once more if another ticket came of it.
   */
  connectSocket(options) {
    return makeTask(options, async (doing) => {
      const { sessions } = this;
      if (!this.takesTicket(options)) return this.open(options, void 0, doing);
      const ticket = await sessions.ticket(options.optional);
      try {
        return await this.open(options, ticket, doing);
      } catch (error) {
        if (doing.aborted || !ticket) throw error;
        await sessions.validate();
        const other = await sessions.ticket(options.optional);
        if (other === ticket) throw error;
        return this.open(options, other, doing);
      }
    });
  }
  run(method, options) {
    return makeTask(options, (doing) => {
      const send = async (ticket) => {
        if (doing.aborted) throw aborted();
        const call = start(this.host, method, this.filled(options, ticket));
        const { task } = call;
        doing.on(task);
        if (options.onProgress && task && task.onProgressUpdate) task.onProgressUpdate(options.onProgress);
        let headers = {};
        if (method !== "request" && task && task.onHeadersReceived) task.onHeadersReceived((received) => headers = { header: received.header });
        return call.result.then(
          (answer) => Object.assign(headers, answer),
          (failure) => {
            throw fromFailure(failure);
          }
        );
      };
      return this.takesTicket(options) ? authorized(this.sessions, send, options.optional) : send(void 0);
    });
  }
  async open(options, ticket, doing) {
    if (doing.aborted) throw aborted();
    const call = start(this.host, "connectSocket", this.filled(options, ticket));
    const refused = call.result.then(() => new Promise(() => {
    }), (failure) => {
      throw fromFailure(failure);
    });
    const socket = await Promise.race([call.task, refused]);
    if (!socket || !socket.onOpen) throw fromFailure({ errMsg: "connectSocket:fail no task" });
    doing.on({ abort: () => socket.close({ code: 1e3 }) });
    const opened = new Promise((resolve, reject) => {
      const fail = (failure) => reject(fromFailure(failure));
      socket.onOpen(() => resolve(socket));
      socket.onError(fail);
      socket.onClose(() => fail({ errMsg: "connectSocket:fail closed" }));
    });
    return Promise.race([opened, refused]);
  }
  /**
   * Somebody else's server sees no ticket, and what it says of tickets is not about ours. An Authorization of the app's own is for somebody
   * else's login.
   */
  takesTicket({ url, header }) {
    return this.origins.has(this.address(url)) && !headerOf(header, "authorization");
  }
  address(url) {
    return url.charAt(0) === "/" ? this.baseUrl + url : url;
  }
  filled(options, ticket) {
    const header = Object.assign({}, options.header, ticket ? { Authorization: "Bearer " + ticket } : {});
    return Object.assign({}, options, { url: this.address(options.url), header, success: void 0, fail: void 0, complete: void 0 });
  }
};
var aborted = () => new KaimenError("aborted", { status: 0 });
var Doing = class {
  constructor() {
    this.aborted = false;
  }
  on(current) {
    this.current = current;
    if (this.aborted) this.abort();
  }
  abort() {
    this.aborted = true;
    if (this.current && this.current.abort) this.current.abort();
  }
};
function makeTask(callbacks, work) {
  const doing = new Doing();
  let stop;
  const stopped = new Promise((_, reject) => stop = reject);
  const promise = Promise.race([work(doing), stopped]);
  const { success, fail, complete } = callbacks;
  if (success || fail || complete) {
    promise.then(
      (answer) => {
        if (success) success(answer);
        if (complete) complete(answer);
      },
      (error) => {
        if (fail) fail(error);
        if (complete) complete(error);
      }
    );
  }
  return Object.assign(promise, {
    abort() {
      doing.abort();
      stop(aborted());
    }
  });
}

// src/breaker.ts
var free = 2;
var longest = 6e4;
var Breaker = class {
  constructor() {
    this.failures = 0;
    this.openUntil = 0;
    this.told = false;
  }
  /** Seconds to wait still; 0: go on. A clock that was set back does not lengthen a pause. */
  wait(now) {
    const left = this.openUntil - now;
    return left > 0 ? Math.ceil(Math.min(left, longest * 60) / 1e3) : 0;
  }
  failed(now, retryAfter = 0) {
    this.failures += 1;
    const pause = this.failures > free ? Math.min(1e3 * Math.pow(2, this.failures - free - 1), longest) : 0;
    this.openUntil = now + Math.max(pause, retryAfter * 1e3);
    this.told = false;
  }
  /** True once a pause. */
  get isNews() {
    const news = !this.told;
    this.told = true;
    return news;
  }
  worked() {
    this.failures = 0;
    this.openUntil = 0;
  }
};

// src/dialog.ts
var words = {
  replaced: "您的账号已在其他设备登录，本机已下线。",
  revoked: "登录已被取消，请重新登录。",
  logged_out: "您已在其他设备上退出本机的登录。",
  reused: "登录凭证异常，为了账号安全请重新登录。",
  deleted: "该账号已注销。"
};
var somebodyEnded = (reason) => !!words[reason];
function askInDialog(host, reason) {
  if (!host.showModal) return Promise.resolve(false);
  const options = { title: "登录已失效", content: words[reason], confirmText: "重新登录", cancelText: "暂不" };
  return start(host, "showModal", options).result.then((answer) => answer.confirm, () => false);
}

// src/single.ts
var Single = class {
  run(work) {
    if (this.going) return this.going;
    let settle;
    const mine = this.going = new Promise((resolve) => settle = resolve);
    const end = () => {
      if (this.going === mine) this.going = void 0;
    };
    mine.then(end, end);
    settle(work());
    return mine;
  }
  /** The next one begins anew; this one goes on for those who wait for it. */
  forget() {
    this.going = void 0;
  }
};

// src/session.ts
var steady = 6e4;
var renewalPause = 3e4;
var validFor = 3e5;
var Sessions = class {
  constructor(host, transport, storage, loginFlow, options) {
    this.host = host;
    this.transport = transport;
    this.storage = storage;
    this.loginFlow = loginFlow;
    this.options = options;
    this.started = false;
    this.last = { isNewUser: false, entry: null, warnings: [] };
    this.starting = new Single();
    this.flight = new Single();
    this.renewing = new Single();
    this.asking = new Single();
    this.epoch = 0;
    this.validated = 0;
    this.renewNotBefore = 0;
    this.reported = "";
    this.failing = new Breaker();
    // logins that do not succeed
    this.fruitless = new Breaker();
    // tickets that are refused as soon as they come
    this.listeners = [];
    if (host.onAppShow) host.onAppShow(() => void this.shown());
  }
  // What there is
  get current() {
    const { kept, ended } = this;
    return Object.assign(
      {
        state: kept ? "logged_in" : this.started ? "anonymous" : "starting",
        user: kept ? kept.user : null,
        session: kept ? kept.session : null,
        missing: kept ? kept.missing : []
      },
      this.last,
      ended ? { reason: ended } : {}
    );
  }
  onChange(listener) {
    this.listeners.push(listener);
    return () => {
      const at = this.listeners.indexOf(listener);
      if (at >= 0) this.listeners.splice(at, 1);
    };
  }
  // Starting
  /** Resolves when it is known who is there, or that nobody is. After a failure the next call tries again. */
  ready() {
    const { going } = this.flight;
    if (!going) return this.started ? Promise.resolve(this.current) : this.starting.run(() => this.begin());
    return going.catch((error) => {
      if (!this.kept) throw error;
      return this.current;
    });
  }
  async begin() {
    const { epoch } = this;
    if (!this.loginFlow.anonymousOnly) {
      this.sayUnheardLogouts();
      const stored = this.storage.load();
      this.ended = stored.ended;
      this.kept = stored.kept;
      if (this.kept) await this.resume();
      else if (!this.ended && !this.options.manual) await this.login();
    }
    if (epoch === this.epoch) this.started = true;
    return this.current;
  }
  /** checkSession first: only a session_key that WeChat gave up, or a scan that the server must hear of, costs a login. */
  async resume() {
    const { epoch } = this;
    const stands = !this.isNews() && !this.storage.loginPending && await this.loginFlow.keyStands();
    if (epoch !== this.epoch) return;
    if (!stands) {
      try {
        await this.login();
      } catch (error) {
        if (!this.kept) throw error;
      }
    } else {
      void this.validate();
    }
  }
  // Logging in
  login(parts = {}) {
    const { going } = this.flight;
    if (!going || !parts.phone && !parts.profile) return this.flight.run(() => this.logIn(parts));
    const next = () => this.login(parts);
    return going.then(next, next);
  }
  async logIn(parts) {
    if (this.loginFlow.anonymousOnly) throw new KaimenError("unauthenticated", { status: 0, reason: "missing", detail: "单页模式" });
    this.pauseIf(this.failing);
    const { epoch } = this;
    const scanned = this.loginFlow.scanned;
    this.storage.loginPending = true;
    let answer;
    try {
      answer = await this.loginFlow.run(parts, this.kept && this.kept.token);
    } catch (error) {
      if (epoch === this.epoch) this.loginFailed(error);
      throw error;
    }
    if (epoch !== this.epoch) {
      this.endOnServer(answer.token);
      throw new KaimenError("aborted", { status: 0, reason: "logged_out" });
    }
    this.failing.worked();
    this.reported = scanned;
    this.last = { isNewUser: answer.is_new_user, entry: answer.entry, warnings: answer.warnings };
    this.keep(answer, "login");
    this.storage.loginPending = false;
    return this.current;
  }
  loginFailed(error) {
    this.failing.failed(Date.now(), error.retryAfter);
    if (codeOf(error) === "forbidden" && error.reason) {
      this.drop(error.reason);
      this.tell("ended", error);
    } else {
      this.tell("failed", error);
    }
  }
  /**
   * What a registration brought. It is of the session it was sent with: where a logout or another login has come since, that counts, and the
   * late ticket is ended.
   */
  keepRegistered(answer) {
    const { kept } = this;
    if (!kept || kept.session.id !== answer.session.id) {
      void this.endOnServer(answer.token);
      throw new KaimenError("aborted", { status: 0, reason: kept ? void 0 : this.ended });
    }
    this.keep(answer, "user");
    return this.current;
  }
  /** Takes over what a login, a renewal or a registration brought. */
  keep(answer, kind) {
    this.kept = {
      token: answer.token,
      renew_token: answer.renew_token,
      expires_in: answer.expires_in,
      received_at: Date.now(),
      session: answer.session,
      user: answer.user,
      missing: answer.missing
    };
    this.ended = void 0;
    this.started = true;
    this.validated = Date.now();
    this.storage.save({ kept: this.kept });
    this.tell(kind);
  }
  /**
   * The user as it is now; a changed user may come with the ticket that says so. It takes the place of the one it was asked with (`sent`),
   * and not of one that a login or a renewal has brought since.
   */
  keepUser(answer, sent, missing) {
    const _a = answer, { token } = _a, user = __objRest(_a, ["token"]);
    const { kept } = this;
    if (kept && kept.user.id === user.id) {
      this.kept = Object.assign({}, kept, { user }, token && kept.token === sent && { token }, missing && { missing });
      this.storage.save({ kept: this.kept });
      this.tell("user");
    }
    return user;
  }
  // The ticket
  /** The ticket to send; none where there is none and `optional`. Waits for a login that is under way. */
  async ticket(optional = false) {
    if (this.asking.going && !optional) return this.asking.going;
    if (this.flight.going || !this.started) {
      try {
        await this.ready();
      } catch (error) {
        if (!this.kept && !optional) throw error;
      }
    }
    if (!this.kept) {
      if (optional) return void 0;
      if (this.ended || this.options.manual || this.loginFlow.anonymousOnly) throw this.nobody();
      await this.login();
    }
    const { kept } = this;
    if (!kept) throw this.nobody();
    const age = Date.now() - kept.received_at;
    const life = kept.expires_in * 1e3;
    if (age >= life) return this.heal(kept.token, "expired", optional);
    if ((age < 0 || age >= life / 2) && Date.now() >= this.renewNotBefore) this.renew().catch(() => void 0);
    return kept.token;
  }
  /** The ticket that an answer coming now was most likely sent with; none: one before the present one. */
  ticketBefore() {
    const { kept } = this;
    return kept && Math.abs(Date.now() - kept.received_at) > 5e3 ? kept.token : void 0;
  }
  /** What takes the place of a ticket that was refused. Rejects where nothing does. */
  async heal(refused, reason, optional = false) {
    if (this.asking.going && !optional) return this.asking.going;
    if (this.flight.going) await this.flight.going;
    else if (this.renewing.going) await this.renewing.going;
    if (this.kept && this.kept.token !== refused) return this.kept.token;
    if (!this.kept) {
      if (optional) return void 0;
      throw this.nobody();
    }
    if (somebodyEnded(reason)) return this.askAgain(reason);
    if (Date.now() - this.kept.received_at < steady) this.fruitless.failed(Date.now());
    else this.fruitless.worked();
    this.pauseIf(this.fruitless);
    if (reason === "expired" || reason === "renew") await this.renew();
    else await this.login();
    if (!this.kept) throw this.nobody();
    return this.kept.token;
  }
  /** Does not touch the session_key, so it is preferred to a login. */
  renew() {
    return this.renewing.run(() => this.renewOnce());
  }
  async renewOnce() {
    const { kept, epoch } = this;
    if (!kept) throw this.nobody();
    const overtaken = () => epoch !== this.epoch || !this.kept || this.kept.renew_token !== kept.renew_token;
    try {
      const body = { renew_token: kept.renew_token };
      const answer = await this.transport.send({ method: "POST", path: "/v1/session/renew", body, twice: true });
      if (!overtaken()) this.keep(answer, "renewed");
    } catch (error) {
      if (this.flight.going) await this.flight.going;
      if (overtaken()) return;
      const { code, reason, retryAfter } = error;
      this.renewNotBefore = Date.now() + Math.max(renewalPause, (retryAfter || 0) * 1e3);
      if (code !== "unauthenticated" && code !== "invalid_request") throw error;
      if (reason && somebodyEnded(reason)) await this.askAgain(reason);
      else await this.login();
    }
  }
  // Ends
  /** Never fails: what the server does not hear now it hears at the next start. */
  async logout() {
    const token = this.kept && this.kept.token;
    this.drop("logged_out");
    this.started = true;
    this.storage.loginPending = false;
    this.tell("logout");
    if (token) await this.endOnServer(token);
  }
  async endOnServer(token) {
    const others = () => this.storage.unheardLogouts.filter((other) => other !== token);
    this.storage.unheardLogouts = others().concat(token);
    try {
      await this.transport.send({ method: "DELETE", path: "/v1/session", token, twice: true });
    } catch (error) {
      if (codeOf(error) !== "unauthenticated") return;
    }
    this.storage.unheardLogouts = others();
  }
  sayUnheardLogouts() {
    for (const token of this.storage.unheardLogouts) void this.endOnServer(token);
  }
  /**
   * Whoever logged out, or left, stays so over starts of the app. After any other end the next start logs in by itself: opening the app is
   * the user's will.
   */
  drop(reason) {
    this.epoch += 1;
    this.kept = void 0;
    this.ended = reason;
    this.flight.forget();
    this.renewing.forget();
    this.storage.save(reason === "logged_out" || reason === "deleted" ? { ended: reason } : {});
  }
  /** Somebody has ended the session; whether it begins again is the user's to say. One question at a time. */
  askAgain(reason) {
    return this.asking.run(() => this.askOnce(reason));
  }
  async askOnce(reason) {
    this.drop(reason);
    this.started = true;
    this.tell("ended");
    const { confirmLogin } = this.options;
    if (!await (confirmLogin ? confirmLogin(reason) : askInDialog(this.host, reason))) throw this.nobody();
    await this.login();
    if (!this.kept) throw this.nobody();
    return this.kept.token;
  }
  nobody() {
    return new KaimenError("unauthenticated", { status: 0, reason: this.ended || "missing" });
  }
  pauseIf(breaker) {
    const retryAfter = breaker.wait(Date.now());
    if (!retryAfter) return;
    const error = new KaimenError("login_paused", { status: 0, retryAfter });
    if (breaker.isNews) this.tell("paused", error);
    throw error;
  }
  // Looking again
  /** Asks the server how the session stands. What is wrong with it is dealt with; no line changes nothing. */
  async validate() {
    const { kept } = this;
    if (!kept) return;
    try {
      const view = await this.transport.send({ method: "GET", path: "/v1/session", token: kept.token, twice: true });
      this.validated = Date.now();
      if (this.kept && this.kept.token === kept.token) this.keepUser(view.user, kept.token, view.missing);
    } catch (error) {
      const { code, reason } = error;
      if (code === "unauthenticated" && reason) await this.heal(kept.token, reason).catch(() => void 0);
    }
  }
  /**
   * The app comes to the front. A session_key that WeChat gave up is replaced now, before the user can press a button whose data would be
   * encrypted with it; a scan is told to the server.
   */
  async shown() {
    if (!this.started || this.flight.going || !this.kept) return;
    this.sayUnheardLogouts();
    const { epoch } = this;
    const stands = !this.isNews() && await this.loginFlow.keyStands();
    if (epoch !== this.epoch) return;
    if (!stands) await this.login().catch(() => void 0);
    else if (Math.abs(Date.now() - this.validated) > validFor) await this.validate();
  }
  isNews() {
    const { scanned } = this.loginFlow;
    return !!scanned && scanned !== this.reported;
  }
  tell(kind, error) {
    const change = { kind, session: this.current };
    if (error) change.error = error;
    for (const listener of this.listeners.slice()) {
      try {
        listener(change);
      } catch (failure) {
        setTimeout(() => {
          throw failure;
        });
      }
    }
  }
};

// src/transport.ts
var timeout = 1e4;
var Transport = class {
  constructor(host, baseUrl) {
    this.host = host;
    this.baseUrl = baseUrl.replace(/\/+$/, "");
  }
  /** A success, or a KaimenError. */
  async send(outgoing) {
    return this.success(await this.answer(outgoing));
  }
  async answer(outgoing) {
    try {
      return await this.once(outgoing);
    } catch (error) {
      if (!outgoing.twice || !isLost(error)) throw error;
      return this.once(outgoing);
    }
  }
  success(answer) {
    const { statusCode, data } = answer;
    if (statusCode < 200 || statusCode > 299) throw fromAnswer(answer);
    if (statusCode !== 204 && (typeof data !== "object" || !data)) throw new KaimenError("bad_answer", { status: statusCode });
    return data;
  }
  once({ method, path, body, token }) {
    const header = { "Content-Type": "application/json" };
    if (token) header.Authorization = "Bearer " + token;
    const call = start(this.host, "request", {
      url: this.baseUrl + path,
      method,
      header,
      data: body && JSON.stringify(body),
      dataType: "json",
      timeout
    });
    return call.result.catch((failure) => {
      throw fromFailure(failure);
    });
  }
};

// src/kaimen.ts
function createKaimen(options) {
  const host = options.host || (typeof wx === "undefined" ? void 0 : wx);
  if (!host) throw new Error("createKaimen: no `wx` here; pass `host`");
  const info = host.getAccountInfoSync && host.getAccountInfoSync();
  const env = String(info && info.miniProgram && info.miniProgram.envVersion || "release");
  const transport = new Transport(host, options.baseUrl);
  const storage = new Storage(host, options.appId, env);
  const sessions = new Sessions(host, transport, storage, new LoginFlow(transport, storage, options.appId, env), options);
  const requests = new Requests(host, transport.baseUrl, new Origins(options.baseUrl, options.origins), sessions);
  const account = new Account(transport, sessions);
  return {
    /** Resolves when it is known who is there. The first call starts it all. */
    ready: () => sessions.ready(),
    /** Logs in now, with what the user gave at a button, if anything. One login runs at a time. */
    async login(parts = {}) {
      return sessions.login(Object.assign(
        {},
        parts.phone && { phone: phoneProof(parts.phone) },
        parts.profile && { profile: profileProof(parts.profile) }
      ));
    },
    /** The session as this phone knows it. */
    session: () => sessions.current,
    logout: () => sessions.logout(),
    /** Calls the listener at each change; returns what takes it back. */
    onChange: (listener) => sessions.onChange(listener),
    request: requests.request.bind(requests),
    uploadFile: requests.uploadFile.bind(requests),
    downloadFile: requests.downloadFile.bind(requests),
    connectSocket: requests.connectSocket.bind(requests),
    /** For other request libraries: what to send. To your own servers only: here nobody looks at where it goes. */
    async header() {
      return { Authorization: "Bearer " + await sessions.ticket() };
    },
    /**
     * For other request libraries: true where the answer was a refusal of our ticket and another ticket stands now: send once more, with a
     * new `header()`. Only for answers of your own servers: a refusal may end the session. `sent` is the header it went with; without it, an answer that comes within seconds of a new ticket is taken for one
     * to the ticket before.
     */
    async handle401(answer, sent) {
      const { statusCode, status, header, headers, data } = answer || {};
      const reason = refusal({ statusCode: statusCode || status, header: header || headers, data });
      if (!reason) return false;
      const ticket = headerOf(sent, "authorization").replace(/^Bearer /, "") || sessions.ticketBefore();
      return await sessions.heal(ticket, reason) !== ticket;
    },
    uploadAvatar: account.uploadAvatar.bind(account),
    updateProfile: account.updateProfile.bind(account),
    updateFromWechat: account.updateFromWechat.bind(account),
    bindPhone: account.bindPhone.bind(account),
    registration: account.registration.bind(account),
    register: account.register.bind(account),
    devices: account.devices.bind(account),
    endDevice: account.endDevice.bind(account),
    endOtherDevices: account.endOtherDevices.bind(account),
    webViewUrl: account.webViewUrl.bind(account)
  };
}
export {
  KaimenError,
  createKaimen,
  errorCodes,
  reasons
};
