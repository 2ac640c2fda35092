// One login: wx.login, then its code to Kaimen, with what Kaimen should know of the phone and of how the app was entered.
import { codeOf, fromFailure, KaimenError } from './errors';
import { start, type EnterOptions, type Host } from './host';
import { randomName, type Storage } from './storage';
import type { Transport } from './transport';
import type { Login, PhoneProof, ProfileProof } from './wire';

/** What may go along with a login. Parts that fail do not undo it; they are in `warnings`. */
export interface LoginParts {
  phone?: PhoneProof;
  profile?: ProfileProof;
}

const singlePage = 1154;
const codeTimeout = 10000;

export class LoginFlow {
  constructor(
    private readonly transport: Transport,
    private readonly storage: Storage,
    private readonly appId: string,
    private readonly env: string,
  ) {}

  /** 单页模式, the preview in a chat or timeline: there is no wx.login. */
  get anonymousOnly(): boolean {
    return Number(this.entry().scene) === singlePage;
  }

  /** What the scanned mini-program code says; empty: the app was not entered by one. */
  get scanned(): string {
    const { path, query } = this.entry();
    return query && query.scene ? path + '?' + query.scene : '';
  }

  /** `oldToken` names the session that this one takes the place of, quietly. */
  async run(parts: LoginParts, oldToken?: string): Promise<Login> {
    try {
      return await this.exchange(parts, oldToken);
    } catch (error) {
      // A code is good once and for five minutes: a phone that slept in between gets a fresh one.
      if (codeOf(error) !== 'code_invalid' && codeOf(error) !== 'code_used') throw error;
      return this.exchange(parts, oldToken);
    }
  }

  /** Whether WeChat's session_key still stands. */
  keyStands(): Promise<boolean> {
    return start(this.host, 'checkSession', {}).result.then(() => true, () => false);
  }

  private async exchange(parts: LoginParts, oldToken?: string): Promise<Login> {
    const code = await this.code();
    const { scene, path, query } = this.entry();
    return this.transport.send<Login>({
      method: 'POST',
      path: '/v1/login',
      // The attempt has the server know a code that it has seen: an answer lost on the way is answered again.
      body: Object.assign({ app_id: this.appId, code, attempt: randomName(), env_version: this.env, device: this.device() }, parts, {
        entry: { scene: Number(scene) || undefined, path: String(path || '').slice(0, 128), query: query || {} },
      }),
      token: oldToken,
      twice: true,
    });
  }

  private async code(): Promise<string> {
    const got = await start<{ code: string }>(this.host, 'login', { timeout: codeTimeout }).result.catch((failure) => {
      throw fromFailure(failure, 'login_failed');
    });
    if (!got || !got.code) throw new KaimenError('login_failed', { status: 0, detail: 'wx.login gave no code' });
    return got.code;
  }

  private entry(): EnterOptions {
    const { host } = this;
    const options = host.getEnterOptionsSync ? host.getEnterOptionsSync() : host.getLaunchOptionsSync && host.getLaunchOptionsSync();
    return options || {};
  }

  private device(): Record<string, string> {
    const { host } = this;
    const info = (host.getDeviceInfo ? host.getDeviceInfo() : host.getSystemInfoSync && host.getSystemInfoSync()) || {};
    const device: Record<string, string> = { id: this.storage.deviceId() };
    for (const name of ['model', 'system', 'platform']) device[name] = String(info[name] || '').slice(0, 40);
    return device;
  }

  private get host(): Host {
    return this.transport.host;
  }
}
