// One request with the ticket: sent, and sent once more with another ticket if this one was refused. A refusal comes from the check in
// front of a backend, before the backend has seen the request, so sending again is right for every method; a 401 of somebody else says
// nothing about our ticket and is handed on.
import { KaimenError, parsed, reasons, type Reason } from './errors';
import { headerOf } from './host';
import type { Sessions } from './session';

export interface Answered {
  statusCode: number;
  header?: Record<string, any>;
  data?: unknown;
}

/** Why our ticket was refused, if that is what this answer says. */
export function refusal(answer: Answered): Reason | undefined {
  if (answer.statusCode !== 401) return undefined;
  const { header } = answer;
  // nginx passes WWW-Authenticate on and nothing else of a check's answer.
  const quoted = /^Bearer error="invalid_token", *error_description="(\w+)"/i.exec(headerOf(header, 'www-authenticate'));
  const said = headerOf(header, 'x-kaimen-reason') || (quoted ? quoted[1] : problemReason(answer.data));
  return reasons.indexOf(said as Reason) >= 0 ? (said as Reason) : undefined;
}

/** An upload's answer may have no headers. */
function problemReason(data: unknown): string {
  const body = parsed(data);
  return body && body.code === 'unauthenticated' ? body.reason : '';
}

export async function authorized<A extends Answered>(
  sessions: Sessions,
  send: (ticket: string | undefined) => Promise<A>,
  optional = false,
): Promise<A> {
  const ticket = await sessions.ticket(optional);
  const answer = await send(ticket);
  const reason = refusal(answer);
  if (!reason) return answer;
  const other = await sessions.heal(ticket, reason, optional);
  if (!other || other === ticket) throw new KaimenError('unauthenticated', { status: 401, reason });
  const again = await send(other);
  const still = refusal(again);
  if (still) throw new KaimenError('unauthenticated', { status: 401, reason: still });
  return again;
}
