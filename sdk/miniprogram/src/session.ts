// The session as a state machine: nobody yet → logged in → ended or logged out. It decides when to log in, when to renew, and what becomes
// of a ticket that was refused; it makes one login and one renewal at a time, however many callers wait.
//
// Two rules keep the races harmless. What an answer brings is taken over only if nothing has overtaken it (`epoch` for a logout, the renew
// token for a renewal). And whoever was refused says with which ticket: if another one stands by then, that is the answer.
import { Breaker } from './breaker';
import { askInDialog, somebodyEnded } from './dialog';
import { codeOf, KaimenError, type Reason } from './errors';
import type { Host } from './host';
import type { LoginFlow, LoginParts } from './login';
import { Single } from './single';
import type { Kept, Storage } from './storage';
import type { Change, Session, SessionOptions } from './state';
import type { Transport } from './transport';
import type { Login, SessionTimes, User } from './wire';

const steady = 60000;  // a ticket refused sooner than this after it came is a sign of a loop
const renewalPause = 30000;
const validFor = 300000;  // how long the server's word holds before the app, shown again, asks anew

export class Sessions {
  private kept: Kept | undefined;
  private ended: Reason | undefined;
  private started = false;
  private last: Pick<Session, 'isNewUser' | 'entry' | 'warnings'> = { isNewUser: false, entry: null, warnings: [] };

  private readonly starting = new Single<Session>();
  private readonly flight = new Single<Session>();
  private readonly renewing = new Single<void>();
  private readonly asking = new Single<string>();

  private epoch = 0;
  private validated = 0;
  private renewNotBefore = 0;
  private reported = '';
  private readonly failing = new Breaker();  // logins that do not succeed
  private readonly fruitless = new Breaker();  // tickets that are refused as soon as they come
  private readonly listeners: ((change: Change) => void)[] = [];

  constructor(
    private readonly host: Host,
    private readonly transport: Transport,
    private readonly storage: Storage,
    private readonly loginFlow: LoginFlow,
    private readonly options: SessionOptions,
  ) {
    if (host.onAppShow) host.onAppShow(() => void this.shown());
  }

  // What there is

  get current(): Session {
    const { kept, ended } = this;
    return Object.assign(
      {
        state: kept ? 'logged_in' as const : this.started ? 'anonymous' as const : 'starting' as const,
        user: kept ? kept.user : null,
        session: kept ? kept.session : null,
        missing: kept ? kept.missing : [],
      },
      this.last,
      ended ? { reason: ended } : {},
    );
  }

  onChange(listener: (change: Change) => void): () => void {
    this.listeners.push(listener);
    return () => {
      const at = this.listeners.indexOf(listener);
      if (at >= 0) this.listeners.splice(at, 1);
    };
  }

  // Starting

  /** Resolves when it is known who is there, or that nobody is. After a failure the next call tries again. */
  ready(): Promise<Session> {
    const { going } = this.flight;
    if (!going) return this.started ? Promise.resolve(this.current) : this.starting.run(() => this.begin());
    return going.catch((error) => {
      if (!this.kept) throw error;
      return this.current;
    });
  }

  private async begin(): Promise<Session> {
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
  private async resume(): Promise<void> {
    const { epoch } = this;
    const stands = !this.isNews() && !this.storage.loginPending && (await this.loginFlow.keyStands());
    if (epoch !== this.epoch) return;
    if (!stands) {
      try {
        await this.login();
      } catch (error) {
        if (!this.kept) throw error;  // refused; else no line: what is kept still stands, as far as anybody knows
      }
    } else {
      void this.validate();
    }
  }

  // Logging in

  login(parts: LoginParts = {}): Promise<Session> {
    const { going } = this.flight;
    if (!going || (!parts.phone && !parts.profile)) return this.flight.run(() => this.logIn(parts));
    const next = () => this.login(parts);
    return going.then(next, next);
  }

  private async logIn(parts: LoginParts): Promise<Session> {
    if (this.loginFlow.anonymousOnly) throw new KaimenError('unauthenticated', { status: 0, reason: 'missing', detail: '单页模式' });
    this.pauseIf(this.failing);
    const { epoch } = this;
    const scanned = this.loginFlow.scanned;
    this.storage.loginPending = true;
    let answer: Login;
    try {
      answer = await this.loginFlow.run(parts, this.kept && this.kept.token);
    } catch (error) {
      if (epoch === this.epoch) this.loginFailed(error as KaimenError);
      throw error;
    }
    if (epoch !== this.epoch) {
      this.endOnServer(answer.token);
      throw new KaimenError('aborted', { status: 0, reason: 'logged_out' });
    }
    this.failing.worked();
    this.reported = scanned;
    this.last = { isNewUser: answer.is_new_user, entry: answer.entry, warnings: answer.warnings };
    this.keep(answer, 'login');
    this.storage.loginPending = false;
    return this.current;
  }

  private loginFailed(error: KaimenError): void {
    this.failing.failed(Date.now(), error.retryAfter);
    if (codeOf(error) === 'forbidden' && error.reason) {
      this.drop(error.reason);
      this.tell('ended', error);
    } else {
      this.tell('failed', error);
    }
  }

  /**
   * What a registration brought. It is of the session it was sent with: where a logout or another login has come since, that counts, and the
   * late ticket is ended.
   */
  keepRegistered(answer: Login): Session {
    const { kept } = this;
    if (!kept || kept.session.id !== answer.session.id) {
      void this.endOnServer(answer.token);
      throw new KaimenError('aborted', { status: 0, reason: kept ? undefined : this.ended });
    }
    this.keep(answer, 'user');
    return this.current;
  }

  /** Takes over what a login, a renewal or a registration brought. */
  private keep(answer: Login, kind: Change['kind']): void {
    this.kept = {
      token: answer.token,
      renew_token: answer.renew_token,
      expires_in: answer.expires_in,
      received_at: Date.now(),
      session: answer.session,
      user: answer.user,
      missing: answer.missing,
    };
    this.ended = undefined;
    this.started = true;
    this.validated = Date.now();
    this.storage.save({ kept: this.kept });
    this.tell(kind);
  }

  /**
   * The user as it is now; a changed user may come with the ticket that says so. It takes the place of the one it was asked with (`sent`),
   * and not of one that a login or a renewal has brought since.
   */
  keepUser(answer: User & { token?: string }, sent: string | undefined, missing?: string[]): User {
    const { token, ...user } = answer;
    const { kept } = this;
    if (kept && kept.user.id === user.id) {
      this.kept = Object.assign({}, kept, { user }, token && kept.token === sent && { token }, missing && { missing });
      this.storage.save({ kept: this.kept });
      this.tell('user');
    }
    return user;
  }

  // The ticket

  /** The ticket to send; none where there is none and `optional`. Waits for a login that is under way. */
  async ticket(optional = false): Promise<string | undefined> {
    if (this.asking.going && !optional) return this.asking.going;
    if (this.flight.going || !this.started) {
      try {
        await this.ready();
      } catch (error) {
        if (!this.kept && !optional) throw error;
      }
    }
    if (!this.kept) {
      if (optional) return undefined;
      if (this.ended || this.options.manual || this.loginFlow.anonymousOnly) throw this.nobody();
      await this.login();
    }
    const { kept } = this;
    if (!kept) throw this.nobody();
    // Ages by this phone's clock. One that was set back makes the age negative, and only the server knows.
    const age = Date.now() - kept.received_at;
    const life = kept.expires_in * 1000;
    if (age >= life) return this.heal(kept.token, 'expired', optional);
    if ((age < 0 || age >= life / 2) && Date.now() >= this.renewNotBefore) this.renew().catch(() => undefined);
    return kept.token;
  }

  /** The ticket that an answer coming now was most likely sent with; none: one before the present one. */
  ticketBefore(): string | undefined {
    const { kept } = this;
    return kept && Math.abs(Date.now() - kept.received_at) > 5000 ? kept.token : undefined;
  }

  /** What takes the place of a ticket that was refused. Rejects where nothing does. */
  async heal(refused: string | undefined, reason: Reason, optional = false): Promise<string | undefined> {
    if (this.asking.going && !optional) return this.asking.going;
    if (this.flight.going) await this.flight.going;
    else if (this.renewing.going) await this.renewing.going;
    if (this.kept && this.kept.token !== refused) return this.kept.token;
    if (!this.kept) {
      if (optional) return undefined;
      throw this.nobody();
    }
    if (somebodyEnded(reason)) return this.askAgain(reason);
    if (Date.now() - this.kept.received_at < steady) this.fruitless.failed(Date.now());
    else this.fruitless.worked();
    this.pauseIf(this.fruitless);
    if (reason === 'expired' || reason === 'renew') await this.renew();
    else await this.login();
    if (!this.kept) throw this.nobody();
    return this.kept.token;
  }

  /** Does not touch the session_key, so it is preferred to a login. */
  renew(): Promise<void> {
    return this.renewing.run(() => this.renewOnce());
  }

  private async renewOnce(): Promise<void> {
    const { kept, epoch } = this;
    if (!kept) throw this.nobody();
    const overtaken = () => epoch !== this.epoch || !this.kept || this.kept.renew_token !== kept.renew_token;
    try {
      const body = { renew_token: kept.renew_token };
      const answer = await this.transport.send<Login>({ method: 'POST', path: '/v1/session/renew', body, twice: true });
      if (!overtaken()) this.keep(answer, 'renewed');
    } catch (error) {
      // A login takes the place of the session that is being renewed: it is the login that counts.
      if (this.flight.going) await this.flight.going;
      if (overtaken()) return;
      const { code, reason, retryAfter } = error as KaimenError;
      this.renewNotBefore = Date.now() + Math.max(renewalPause, (retryAfter || 0) * 1000);
      if (code !== 'unauthenticated' && code !== 'invalid_request') throw error;
      if (reason && somebodyEnded(reason)) await this.askAgain(reason);
      else await this.login();
    }
  }

  // Ends

  /** Never fails: what the server does not hear now it hears at the next start. */
  async logout(): Promise<void> {
    const token = this.kept && this.kept.token;
    this.drop('logged_out');
    this.started = true;
    this.storage.loginPending = false;
    this.tell('logout');
    if (token) await this.endOnServer(token);
  }

  private async endOnServer(token: string): Promise<void> {
    const others = () => this.storage.unheardLogouts.filter((other) => other !== token);
    this.storage.unheardLogouts = others().concat(token);
    try {
      await this.transport.send({ method: 'DELETE', path: '/v1/session', token, twice: true });
    } catch (error) {
      // Heard is what Kaimen has done, or says is done: a gateway's page, or too many requests, is neither.
      if (codeOf(error) !== 'unauthenticated') return;
    }
    this.storage.unheardLogouts = others();
  }

  private sayUnheardLogouts(): void {
    for (const token of this.storage.unheardLogouts) void this.endOnServer(token);
  }

  /**
   * Whoever logged out, or left, stays so over starts of the app. After any other end the next start logs in by itself: opening the app is
   * the user's will.
   */
  private drop(reason: Reason | undefined): void {
    this.epoch += 1;
    this.kept = undefined;
    this.ended = reason;
    this.flight.forget();
    this.renewing.forget();
    this.storage.save(reason === 'logged_out' || reason === 'deleted' ? { ended: reason } : {});
  }

  /** Somebody has ended the session; whether it begins again is the user's to say. One question at a time. */
  private askAgain(reason: Reason): Promise<string> {
    return this.asking.run(() => this.askOnce(reason));
  }

  private async askOnce(reason: Reason): Promise<string> {
    this.drop(reason);
    this.started = true;
    this.tell('ended');
    const { confirmLogin } = this.options;
    if (!(await (confirmLogin ? confirmLogin(reason) : askInDialog(this.host, reason)))) throw this.nobody();
    await this.login();
    if (!this.kept) throw this.nobody();
    return this.kept.token;
  }

  private nobody(): KaimenError {
    return new KaimenError('unauthenticated', { status: 0, reason: this.ended || 'missing' });
  }

  private pauseIf(breaker: Breaker): void {
    const retryAfter = breaker.wait(Date.now());
    if (!retryAfter) return;
    const error = new KaimenError('login_paused', { status: 0, retryAfter });
    if (breaker.isNews) this.tell('paused', error);
    throw error;
  }

  // Looking again

  /** Asks the server how the session stands. What is wrong with it is dealt with; no line changes nothing. */
  async validate(): Promise<void> {
    const { kept } = this;
    if (!kept) return;
    try {
      type View = { session: SessionTimes; user: User; missing: string[] };
      const view = await this.transport.send<View>({ method: 'GET', path: '/v1/session', token: kept.token, twice: true });
      this.validated = Date.now();
      if (this.kept && this.kept.token === kept.token) this.keepUser(view.user, kept.token, view.missing);
    } catch (error) {
      const { code, reason } = error as KaimenError;
      if (code === 'unauthenticated' && reason) await this.heal(kept.token, reason).catch(() => undefined);
    }
  }

  /**
   * The app comes to the front. A session_key that WeChat gave up is replaced now, before the user can press a button whose data would be
   * encrypted with it; a scan is told to the server.
   */
  private async shown(): Promise<void> {
    if (!this.started || this.flight.going || !this.kept) return;
    this.sayUnheardLogouts();
    const { epoch } = this;
    const stands = !this.isNews() && (await this.loginFlow.keyStands());
    if (epoch !== this.epoch) return;
    if (!stands) await this.login().catch(() => undefined);
    else if (Math.abs(Date.now() - this.validated) > validFor) await this.validate();
  }

  private isNews(): boolean {
    const { scanned } = this.loginFlow;
    return !!scanned && scanned !== this.reported;
  }

  private tell(kind: Change['kind'], error?: KaimenError): void {
    const change: Change = { kind, session: this.current };
    if (error) change.error = error;
    for (const listener of this.listeners.slice()) {
      try {
        listener(change);
      } catch (failure) {
        // A listener's mistake is the app's to see, not the login's to fail by.
        setTimeout(() => {
          throw failure;
        });
      }
    }
  }
}
