// Kaimen's own calls: JSON out, JSON in, an error for everything but 2xx.
import { fromAnswer, fromFailure, isLost, KaimenError } from './errors';
import { start, type Answer, type Host } from './host';

export interface Outgoing {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  body?: object;
  token?: string;
  /** Sent once more where no answer came. Only for what the server takes twice. */
  twice?: boolean;
}

const timeout = 10000;

export class Transport {
  readonly baseUrl: string;

  constructor(readonly host: Host, baseUrl: string) {
    this.baseUrl = baseUrl.replace(/\/+$/, '');
  }

  /** A success, or a KaimenError. */
  async send<T>(outgoing: Outgoing): Promise<T> {
    return this.success(await this.answer<T>(outgoing));
  }

  async answer<T>(outgoing: Outgoing): Promise<Answer<T>> {
    try {
      return await this.once<T>(outgoing);
    } catch (error) {
      if (!outgoing.twice || !isLost(error)) throw error;
      return this.once<T>(outgoing);
    }
  }

  success<T>(answer: Answer<T>): T {
    const { statusCode, data } = answer;
    if (statusCode < 200 || statusCode > 299) throw fromAnswer(answer);
    // A hotel's sign-in page is a 200 too.
    if (statusCode !== 204 && (typeof data !== 'object' || !data)) throw new KaimenError('bad_answer', { status: statusCode });
    return data;
  }

  private once<T>({ method, path, body, token }: Outgoing): Promise<Answer<T>> {
    const header: Record<string, string> = { 'Content-Type': 'application/json' };
    if (token) header.Authorization = 'Bearer ' + token;
    const call = start<Answer<T>>(this.host, 'request', {
      url: this.baseUrl + path,
      method,
      header,
      data: body && JSON.stringify(body),
      dataType: 'json',
      timeout,
    });
    return call.result.catch((failure) => {
      throw fromFailure(failure);
    });
  }
}
