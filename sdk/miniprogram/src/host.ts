// The part of `wx` that is used. Taro and uni-app have objects of the same shape. Calls are made with callbacks, as every version of every
// host has them; a host that answers by a promise instead, or as well, is understood too.

export interface Failure {
  errMsg: string;
  errno?: number;
}

/** What `success` is given, whatever the HTTP status: `wx` calls `success` for each answer. */
export interface Answer<T = unknown> {
  statusCode: number;
  data: T;
  header: Record<string, any>;
}

interface Callbacks<T> {
  success?(result: T): void;
  fail?(failure: Failure): void;
}

export interface EnterOptions {
  scene?: number | string;
  path?: string;
  query?: Record<string, any>;
}

export interface SocketTask {
  onOpen(listener: (result: any) => void): void;
  onError(listener: (result: any) => void): void;
  onClose(listener: (result: any) => void): void;
  onMessage(listener: (result: any) => void): void;
  send(options: any): any;
  close(options?: any): any;
}

export interface Host {
  login(options: Callbacks<{ code: string }> & { timeout?: number }): unknown;
  checkSession(options: Callbacks<unknown>): unknown;
  request(options: Callbacks<Answer<any>> & { url: string; method?: any; data?: any; header?: any; timeout?: number }): unknown;
  uploadFile(options: Callbacks<any> & { url: string; filePath: string; name: string; header?: any; formData?: any; timeout?: number }): unknown;
  downloadFile(options: Callbacks<any> & { url: string; header?: any; filePath?: string; timeout?: number }): unknown;
  connectSocket(options: Callbacks<any> & { url: string; header?: any; protocols?: string[]; timeout?: number }): any;
  getStorageSync(key: string): any;
  setStorageSync(key: string, value: any): void;
  removeStorageSync(key: string): void;
  showModal?(options: Callbacks<{ confirm: boolean }> & { title: string; content: string; confirmText?: string; cancelText?: string }): unknown;
  getAccountInfoSync?(): { miniProgram: { envVersion?: any } };
  getEnterOptionsSync?(): EnterOptions;
  getLaunchOptionsSync?(): EnterOptions;
  getDeviceInfo?(): any;
  getSystemInfoSync?(): any;
  onAppShow?(listener: (options: any) => void): void;
}

export interface Call<T> {
  result: Promise<T>;
  /** What the host returned: `wx.request` returns a task with `abort`. */
  task: any;
}

/** Calls `host[method]`. The result rejects with what `fail` is given. */
export function start<T>(host: Host, method: keyof Host, options: object): Call<T> {
  let task: any;
  const result = new Promise<T>((success, fail) => {
    task = (host[method] as (options: object) => any)(Object.assign({}, options, { success, fail }));
    if (task && typeof task.then === 'function') task.then(success, fail);
  });
  return { result, task };
}

/** A header of an answer; hosts differ in how they write the names. */
export function headerOf(header: Record<string, any> | undefined, name: string): string {
  for (const key of Object.keys(header || {})) {
    if (key.toLowerCase() === name) return String(header![key]);
  }
  return '';
}
