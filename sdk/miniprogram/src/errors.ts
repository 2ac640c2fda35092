// What can go wrong, as one class with a closed list of codes: the server's own, word for word (test/errors.test.mjs compares them with
// the server's table), and the few for which no server answered.
import type { Failure } from './host';

/** The server's table: docs/api.md, "Errors". */
export const errorCodes = [
  'invalid_request', 'unauthenticated', 'forbidden', 'registration_required', 'not_found', 'method_not_allowed', 'conflict',
  'code_invalid', 'code_used', 'risk_blocked', 'stale_session_key', 'signature_invalid', 'decrypt_failed', 'content_rejected',
  'payload_too_large', 'rate_limited', 'app_misconfigured', 'upstream_busy', 'upstream_error', 'unavailable', 'internal',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** Why a ticket is refused, and with `forbidden` why a user is. */
export const reasons = [
  'missing', 'malformed', 'revoked', 'replaced', 'disabled', 'deleted', 'reused', 'logged_out', 'expired', 'renew',
] as const;
export type Reason = (typeof reasons)[number];

/**
 * What happens on the phone, before or instead of an answer of Kaimen:
 * `network` no line; `timeout`; `interrupted` the app was in the background for five seconds; `aborted` by `abort()` or by a logout;
 * `bad_answer` something other than Kaimen answered; `login_blocked` WeChat refuses wx.login (errno 1402101); `login_failed` wx.login
 * fails otherwise; `login_paused` logins kept failing, the next is tried after `retryAfter` seconds; `denied` the user said no at a button.
 */
export type ClientCode =
  | 'network' | 'timeout' | 'interrupted' | 'aborted' | 'bad_answer' | 'login_blocked' | 'login_failed' | 'login_paused' | 'denied';

export interface ErrorParts {
  /** HTTP status; 0 where there was no answer. */
  status?: number;
  reason?: Reason;
  /** For the developer. */
  detail?: string;
  /** With `forbidden`/`disabled`: the operator's words to the user. */
  notice?: string;
  /** With `forbidden`: when it ends, RFC 3339. */
  until?: string;
  /** With `registration_required`: what is missing. */
  missing?: string[];
  /** Seconds until another try makes sense. */
  retryAfter?: number;
  requestId?: string;
  /** WeChat's own errcode, and the rid its support asks for. */
  upstream?: { errcode: number; rid?: string };
  /** What `wx` said. */
  errMsg?: string;
  errno?: number;
  cause?: unknown;
}

export interface KaimenError extends ErrorParts {}
export class KaimenError extends Error {
  readonly code: ErrorCode | ClientCode;

  constructor(code: ErrorCode | ClientCode, parts: ErrorParts = {}) {
    const words = [parts.reason, parts.notice || parts.detail || parts.errMsg].filter(Boolean).join(', ');
    super(words ? code + ': ' + words : code);
    this.name = 'KaimenError';
    this.code = code;
    Object.assign(this, parts);
  }
}

/** No answer came: whether the other side has acted is unknown. */
export const isLost = (error: unknown): boolean =>
  error instanceof KaimenError && ['network', 'timeout', 'interrupted'].indexOf(error.code) >= 0;

export function codeOf(error: unknown): string {
  return error instanceof KaimenError ? error.code : '';
}

/** An object, also where the host hands JSON on as text, as it does for uploads. */
export function parsed(data: unknown): Record<string, any> | undefined {
  try {
    const body = typeof data === 'string' ? JSON.parse(data) : data;
    return typeof body === 'object' && body ? body : undefined;
  } catch (_) {
    return undefined;
  }
}

/** An answer that is not a success. */
export function fromAnswer(answer: { statusCode: number; data?: unknown }): KaimenError {
  const status = answer.statusCode;
  const body = parsed(answer.data) || {};
  if (errorCodes.indexOf(body.code) < 0) return new KaimenError(status >= 500 ? 'unavailable' : 'bad_answer', { status });
  return new KaimenError(body.code, {
    status,
    reason: body.reason,
    detail: body.detail,
    notice: body.message,
    until: body.until,
    missing: body.missing,
    retryAfter: body.retry_after,
    requestId: body.request_id,
    upstream: body.upstream,
  });
}

/** What `fail` was called with. */
export function fromFailure(failure: Failure | undefined, otherwise: ClientCode = 'network'): KaimenError {
  const errMsg = String((failure && failure.errMsg) || failure || '');
  const errno = failure && failure.errno;
  const code: ClientCode =
    errno === 1402101 ? 'login_blocked'
    : /abort/.test(errMsg) ? 'aborted'
    : /interrupted/.test(errMsg) ? 'interrupted'
    : /time?.?out/i.test(errMsg) ? 'timeout'
    : otherwise;
  return new KaimenError(code, { status: 0, errMsg, errno });
}
