// What an app sees of the session, and says about it.
import type { KaimenError, Reason } from './errors';
import type { SessionTimes, User, Warning } from './wire';

export interface Session {
  state: 'starting' | 'logged_in' | 'anonymous';
  /** Why nobody is logged in any more. */
  reason?: Reason;
  user: User | null;
  session: SessionTimes | null;
  /** What the app still asks of the user before it counts as registered. */
  missing: string[];
  /** Of the last login in this run of the app. */
  isNewUser: boolean;
  entry: Record<string, unknown> | null;
  warnings: Warning[];
}

export interface Change {
  kind: 'login' | 'renewed' | 'user' | 'ended' | 'logout' | 'failed' | 'paused';
  session: Session;
  /** With `failed` and `paused`; `error.retryAfter` says when the next try is. */
  error?: KaimenError;
}

export interface SessionOptions {
  /** true: nobody is logged in before `login()` is called. */
  manual?: boolean;
  /**
   * Asked when somebody has ended the session: `replaced`, `revoked`, `logged_out` (on another device), `reused`, `deleted`.
   * true: log in again. Without it a dialog asks. All other reasons are silent.
   */
  confirmLogin?: (reason: Reason) => boolean | Promise<boolean>;
}
