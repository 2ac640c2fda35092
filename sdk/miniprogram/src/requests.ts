// The app's own requests, uploads, downloads and sockets with the ticket. Options and answers are those of `wx`; what is returned is a
// promise with `abort`. `success`, `fail` and `complete` are called where they are given.
import { authorized, type Answered } from './authorized';
import { fromFailure, KaimenError } from './errors';
import { headerOf, start, type Host, type SocketTask } from './host';
import type { Origins } from './origins';
import type { Sessions } from './session';

export type Task<T> = Promise<T> & { abort(): void };

interface Common {
  /** A path, such as "/api/orders", goes to `baseUrl`. The ticket goes to `baseUrl` and to `origins`, and to nobody else. */
  url: string;
  header?: Record<string, any>;
  timeout?: number;
  /** true: goes without a ticket where nobody is logged in. */
  optional?: boolean;
}
interface Callbacks<A> {
  success?(answer: A): void;
  fail?(error: any): void;
  complete?(answer: any): void;
}

export interface RequestAnswer<T> {
  data: T;
  statusCode: number;
  header: Record<string, any>;
  cookies?: string[];
}
export interface RequestOptions extends Common, Callbacks<any> {
  method?: 'OPTIONS' | 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'TRACE' | 'CONNECT';
  data?: any;
  dataType?: any;
  responseType?: any;
  enableChunked?: boolean;
}

export interface UploadAnswer {
  data: string;
  statusCode: number;
}
export interface UploadOptions extends Common, Callbacks<any> {
  filePath: string;
  name: string;
  formData?: Record<string, any>;
  onProgress?(progress: any): void;
}

export interface DownloadAnswer {
  statusCode: number;
  tempFilePath: string;
  filePath?: string;
}
export interface DownloadOptions extends Common, Callbacks<any> {
  filePath?: string;
  onProgress?(progress: any): void;
}

export interface SocketOptions extends Common, Callbacks<any> {
  protocols?: string[];
  tcpNoDelay?: boolean;
  perMessageDeflate?: boolean;
}

export class Requests {
  constructor(private readonly host: Host, private readonly baseUrl: string, private readonly origins: Origins, private readonly sessions: Sessions) {}

  request<T = any>(options: RequestOptions): Task<RequestAnswer<T>> {
    return this.run<RequestAnswer<T>>('request', options);
  }

  uploadFile(options: UploadOptions): Task<UploadAnswer> {
    return this.run<UploadAnswer>('uploadFile', options);
  }

  downloadFile(options: DownloadOptions): Task<DownloadAnswer> {
    return this.run<DownloadAnswer>('downloadFile', options);
  }

  /**
   * Resolves with the open socket. A handshake that is refused says no reason to the phone, so after a failure the server is asked how the
   * session stands, and the socket is opened once more if another ticket came of it.
   */
  connectSocket(options: SocketOptions): Task<SocketTask> {
    return makeTask(options, async (doing) => {
      const { sessions } = this;
      if (!this.takesTicket(options)) return this.open(options, undefined, doing);
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

  private run<A extends Answered>(method: 'request' | 'uploadFile' | 'downloadFile', options: Common & Callbacks<any> & { onProgress?(progress: any): void }): Task<A> {
    return makeTask(options, (doing) => {
      const send = async (ticket: string | undefined): Promise<A> => {
        if (doing.aborted) throw aborted();
        const call = start<A>(this.host, method, this.filled(options, ticket));
        const { task } = call;
        doing.on(task);
        if (options.onProgress && task && task.onProgressUpdate) task.onProgressUpdate(options.onProgress);
        // Uploads and downloads tell their headers apart from their answer.
        let headers: { header?: Record<string, any> } = {};
        if (method !== 'request' && task && task.onHeadersReceived) task.onHeadersReceived((received: any) => (headers = { header: received.header }));
        return call.result.then(
          (answer) => Object.assign(headers, answer),
          (failure) => {
            throw fromFailure(failure);
          },
        );
      };
      return this.takesTicket(options) ? authorized(this.sessions, send, options.optional) : send(undefined);
    });
  }

  private async open(options: SocketOptions, ticket: string | undefined, doing: Doing): Promise<SocketTask> {
    if (doing.aborted) throw aborted();
    const call = start<unknown>(this.host, 'connectSocket', this.filled(options, ticket));
    const refused = call.result.then(() => new Promise<never>(() => {}), (failure) => {
      throw fromFailure(failure);
    });
    // Taro gives a promise of the task.
    const socket: SocketTask = await Promise.race([call.task, refused]);
    if (!socket || !socket.onOpen) throw fromFailure({ errMsg: 'connectSocket:fail no task' });
    doing.on({ abort: () => socket.close({ code: 1000 }) });
    const opened = new Promise<SocketTask>((resolve, reject) => {
      const fail = (failure: any) => reject(fromFailure(failure));
      socket.onOpen(() => resolve(socket));
      socket.onError(fail);
      socket.onClose(() => fail({ errMsg: 'connectSocket:fail closed' }));
    });
    return Promise.race([opened, refused]);
  }

  /**
   * Somebody else's server sees no ticket, and what it says of tickets is not about ours. An Authorization of the app's own is for somebody
   * else's login.
   */
  private takesTicket({ url, header }: Common): boolean {
    return this.origins.has(this.address(url)) && !headerOf(header, 'authorization');
  }

  private address(url: string): string {
    return url.charAt(0) === '/' ? this.baseUrl + url : url;
  }

  private filled(options: Common, ticket: string | undefined): object {
    const header = Object.assign({}, options.header, ticket ? { Authorization: 'Bearer ' + ticket } : {});
    return Object.assign({}, options, { url: this.address(options.url), header, success: undefined, fail: undefined, complete: undefined });
  }
}

const aborted = () => new KaimenError('aborted', { status: 0 });

/** What is under way on the host, so that abort() reaches it. */
class Doing {
  aborted = false;
  private current: { abort?(): void } | undefined;

  on(current: { abort?(): void } | undefined): void {
    this.current = current;
    if (this.aborted) this.abort();
  }
  abort(): void {
    this.aborted = true;
    if (this.current && this.current.abort) this.current.abort();
  }
}

function makeTask<A>(callbacks: Callbacks<A>, work: (doing: Doing) => Promise<A>): Task<A> {
  const doing = new Doing();
  let stop!: (error: KaimenError) => void;
  const stopped = new Promise<never>((_, reject) => (stop = reject));
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
      },
    );
  }
  return Object.assign(promise, {
    abort() {
      doing.abort();
      stop(aborted());
    },
  });
}
