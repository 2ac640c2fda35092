// What outlives the app: the session, a mark while a login is under way, logouts the server has not heard of, and the device's id. Kept per
// app and environment, for the three environments of one mini program share the phone's storage. A full storage never fails a login: what
// cannot be kept is kept in memory only.
import type { Host } from './host';
import type { Reason } from './errors';
import type { SessionTimes, User } from './wire';

/** Stored; members are added, not changed. */
export interface Kept {
  token: string;
  renew_token: string;
  expires_in: number;
  /** This phone's clock when the ticket came. It may be wrong; only differences are used. */
  received_at: number;
  session: SessionTimes;
  user: User;
  missing: string[];
}

/** The session, or why there is none although there was one. */
export type Stored = { kept?: Kept; ended?: Reason };

export class Storage {
  private readonly key: string;

  constructor(private readonly host: Host, appId: string, env: string) {
    this.key = 'kaimen.' + appId + '.' + env;
  }

  load(): Stored {
    const stored = this.read(this.key);
    if (!stored || typeof stored !== 'object') return {};
    const { kept, ended } = stored;
    if (kept && kept.token && kept.renew_token && kept.session && kept.user) return { kept };
    return ended ? { ended } : {};
  }

  /** An older session must not stay where a newer one finds no room: its renew token would look like a copy in other hands. */
  save(stored: Stored): void {
    if (!this.write(this.key, stored)) this.remove(this.key);
  }

  /** Set while wx.login may have replaced the session_key and the server may not know it yet. */
  get loginPending(): boolean {
    return !!this.read(this.key + '.login');
  }
  set loginPending(pending: boolean) {
    if (pending) this.write(this.key + '.login', 1);
    else this.remove(this.key + '.login');
  }

  /** Tickets of sessions that the user ended and the server did not hear of. */
  get unheardLogouts(): string[] {
    const tokens = this.read(this.key + '.logout');
    return Array.isArray(tokens) ? tokens : [];
  }
  set unheardLogouts(tokens: string[]) {
    if (tokens.length) this.write(this.key + '.logout', tokens.slice(-5));
    else this.remove(this.key + '.logout');
  }

  /** Made once. It tells one phone from another among a user's devices and is no secret. */
  deviceId(): string {
    let id = this.read('kaimen.device');
    if (typeof id !== 'string' || !id) {
      id = randomName();
      this.write('kaimen.device', id);
    }
    return id;
  }

  private read(key: string): any {
    try {
      return this.host.getStorageSync(key);
    } catch (_) {
      return undefined;
    }
  }
  private write(key: string, value: unknown): boolean {
    try {
      this.host.setStorageSync(key, value);
      return true;
    } catch (_) {
      return false;
    }
  }
  private remove(key: string): void {
    try {
      this.host.removeStorageSync(key);
    } catch (_) {
      // It was not there, or the next start finds it and asks the server.
    }
  }
}

export function randomName(): string {
  let name = '';
  while (name.length < 32) name += Math.random().toString(36).slice(2);
  return name.slice(0, 32);
}
