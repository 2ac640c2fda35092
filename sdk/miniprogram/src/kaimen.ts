// Puts the parts together; the one object an app holds.
import { Account, phoneProof, profileProof } from './account';
import { refusal } from './authorized';
import { headerOf, type Host } from './host';
import { LoginFlow, type LoginParts } from './login';
import { Origins } from './origins';
import { Requests } from './requests';
import { Sessions } from './session';
import type { Change, Session, SessionOptions } from './state';
import { Storage } from './storage';
import { Transport } from './transport';

export interface Options extends SessionOptions {
  /** Where Kaimen's client API is: "https://login.example.cn". */
  baseUrl: string;
  /**
   * Other servers of yours that the ticket goes to: ["https://api.example.cn"]; the same for their sockets. The origin of `baseUrl` is always
   * one. Requests to all others carry no ticket.
   */
  origins?: string[];
  /** The mini program's appid. */
  appId: string;
  /** `wx` by default; in Taro `Taro`, in uni-app `uni`. */
  host?: Host;
}

declare const wx: Host | undefined;

export type Kaimen = ReturnType<typeof createKaimen>;

export function createKaimen(options: Options) {
  const host = options.host || (typeof wx === 'undefined' ? undefined : wx);
  if (!host) throw new Error('createKaimen: no `wx` here; pass `host`');
  const info = host.getAccountInfoSync && host.getAccountInfoSync();
  const env = String((info && info.miniProgram && info.miniProgram.envVersion) || 'release');
  const transport = new Transport(host, options.baseUrl);
  const storage = new Storage(host, options.appId, env);
  const sessions = new Sessions(host, transport, storage, new LoginFlow(transport, storage, options.appId, env), options);
  const requests = new Requests(host, transport.baseUrl, new Origins(options.baseUrl, options.origins), sessions);
  const account = new Account(transport, sessions);

  return {
    /** Resolves when it is known who is there. The first call starts it all. */
    ready: (): Promise<Session> => sessions.ready(),
    /** Logs in now, with what the user gave at a button, if anything. One login runs at a time. */
    async login(parts: LoginParts = {}): Promise<Session> {
      return sessions.login(Object.assign(
        {},
        parts.phone && { phone: phoneProof(parts.phone) },
        parts.profile && { profile: profileProof(parts.profile) },
      ));
    },
    /** The session as this phone knows it. */
    session: (): Session => sessions.current,
    logout: (): Promise<void> => sessions.logout(),
    /** Calls the listener at each change; returns what takes it back. */
    onChange: (listener: (change: Change) => void): (() => void) => sessions.onChange(listener),

    request: requests.request.bind(requests) as Requests['request'],
    uploadFile: requests.uploadFile.bind(requests) as Requests['uploadFile'],
    downloadFile: requests.downloadFile.bind(requests) as Requests['downloadFile'],
    connectSocket: requests.connectSocket.bind(requests) as Requests['connectSocket'],

    /** For other request libraries: what to send. To your own servers only: here nobody looks at where it goes. */
    async header(): Promise<{ Authorization: string }> {
      return { Authorization: 'Bearer ' + (await sessions.ticket()) };
    },
    /**
     * For other request libraries: true where the answer was a refusal of our ticket and another ticket stands now: send once more, with a
     * new `header()`. Only for answers of your own servers: a refusal may end the session. `sent` is the header it went with; without it, an answer that comes within seconds of a new ticket is taken for one
     * to the ticket before.
     */
    async handle401(answer: any, sent?: Record<string, any>): Promise<boolean> {
      const { statusCode, status, header, headers, data } = answer || {};
      const reason = refusal({ statusCode: statusCode || status, header: header || headers, data });
      if (!reason) return false;
      const ticket = headerOf(sent, 'authorization').replace(/^Bearer /, '') || sessions.ticketBefore();
      return (await sessions.heal(ticket, reason)) !== ticket;
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
    webViewUrl: account.webViewUrl.bind(account),
  };
}
