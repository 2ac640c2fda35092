// What the user does with the account: profile, avatar, phone number, registration, devices.
import { authorized } from './authorized';
import { codeOf, fromFailure, KaimenError, parsed } from './errors';
import { start, type Answer } from './host';
import type { Sessions } from './session';
import type { Session } from './state';
import type { Outgoing, Transport } from './transport';
import type { DeviceSession, Login, PhoneProof, ProfileChange, ProfileProof, Registration, RegistrationAnswers, User } from './wire';

export class Account {
  constructor(private readonly transport: Transport, private readonly sessions: Sessions) {}

  async updateProfile(change: ProfileChange): Promise<User> {
    return this.changed((token) => this.transport.answer({ method: 'POST', path: '/v1/me', body: change, token, twice: true }));
  }

  /** `filePath`: what `bindchooseavatar` gives in `event.detail.avatarUrl`. The avatar may show later where WeChat looks at it first. */
  async uploadAvatar(filePath: string): Promise<User> {
    const { transport } = this;
    return this.changed((ticket) =>
      start<Answer<any>>(transport.host, 'uploadFile', {
        url: transport.baseUrl + '/v1/me/avatar',
        filePath,
        name: 'file',
        header: { Authorization: 'Bearer ' + ticket },
        timeout: 60000,
      }).result.catch((failure) => {
        throw fromFailure(failure);
      }));
  }

  /**
   * What WeChat signed or encrypted of the user. A function is best: `() => wx.getUserInfo({ withCredentials: true })`. It is called when
   * the login is done and the session_key stands, and once more where the server says that the key was another.
   */
  async updateFromWechat(proof: ProfileProof | (() => Promise<ProfileProof>)): Promise<User> {
    const again = typeof proof === 'function' ? proof : () => Promise.resolve(proof);
    return this.encrypted('/v1/me/wechat-profile', async () => profileProof(await again()));
  }

  /** `detail`: what the phone button's event carries. The `code` of today needs no session_key; encrypted data of old clients does. */
  async bindPhone(detail: PhoneProof): Promise<User> {
    const body = phoneProof(detail);
    return this.encrypted('/v1/me/phone', () => Promise.resolve(body));
  }

  registration(): Promise<Registration> {
    return this.call<Registration>({ method: 'GET', path: '/v1/me/registration', twice: true });
  }

  async register(answers: RegistrationAnswers): Promise<Session> {
    return this.sessions.keepRegistered(await this.call<Login>({ method: 'POST', path: '/v1/me/registration', body: answers }));
  }

  async devices(): Promise<DeviceSession[]> {
    return (await this.call<{ items: DeviceSession[] }>({ method: 'GET', path: '/v1/me/sessions', twice: true })).items;
  }

  async endDevice(id: string): Promise<void> {
    await this.call({ method: 'DELETE', path: '/v1/me/sessions/' + encodeURIComponent(id), twice: true });
  }

  async endOtherDevices(): Promise<void> {
    await this.call({ method: 'DELETE', path: '/v1/me/sessions?except=current', twice: true });
  }

  /** The address to open a web-view with, so that its page is logged in: good once, for a minute. */
  async webViewUrl(to: string): Promise<string> {
    return (await this.call<{ url: string }>({ method: 'POST', path: '/v1/session/handoff', body: { to } })).url;
  }

  /**
   * Sends data that may be encrypted with the session_key. A login before it can make the server know the key that encrypted it (the app
   * was killed between wx.login and the server's answer), so a stale key costs one login and one more try.
   */
  private async encrypted(path: string, make: () => Promise<object>): Promise<User> {
    await this.sessions.ready();
    const send = async () => {
      const body = await make();
      return this.changed((token) => this.transport.answer({ method: 'POST', path, body, token }));
    };
    return send().catch(async (error) => {
      // A signature was made with the key too.
      const stale = codeOf(error) === 'stale_session_key' || codeOf(error) === 'signature_invalid';
      if (!stale || !this.sessions.current.user) throw error;
      await this.sessions.login();
      return send();
    });
  }

  /** Sends what changes the user, and keeps the user that the answer tells of. */
  private async changed(send: (ticket: string | undefined) => Promise<Answer<any>>): Promise<User> {
    let sent: string | undefined;
    const { statusCode, header, data } = await authorized(this.sessions, (ticket) => send((sent = ticket)));
    return this.sessions.keepUser(this.transport.success<any>({ statusCode, header, data: parsed(data) }), sent);
  }

  private async call<T>(outgoing: Outgoing): Promise<T> {
    const { transport, sessions } = this;
    const answer = await authorized(sessions, (token) => transport.answer<T>(Object.assign({ token }, outgoing)));
    return transport.success(answer);
  }
}

export function profileProof(given: ProfileProof): ProfileProof {
  const { rawData, signature, encryptedData, iv } = given;
  return { rawData, signature, encryptedData, iv };
}

export function phoneProof(given: PhoneProof): PhoneProof {
  const { code, encryptedData, iv, errMsg, errno } = given;
  if (code) return { code };
  if (encryptedData && iv) return { encryptedData, iv };
  throw new KaimenError('denied', { status: 0, errMsg, errno });
}
