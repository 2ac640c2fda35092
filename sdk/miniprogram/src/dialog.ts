// What the user is asked where somebody, rather than time, has ended the session.
import type { Reason } from './errors';
import { start, type Host } from './host';

const words: Partial<Record<Reason, string>> = {
  replaced: '您的账号已在其他设备登录，本机已下线。',
  revoked: '登录已被取消，请重新登录。',
  logged_out: '您已在其他设备上退出本机的登录。',
  reused: '登录凭证异常，为了账号安全请重新登录。',
  deleted: '该账号已注销。',
};

export const somebodyEnded = (reason: Reason): boolean => !!words[reason];

/** Whether the user wants to log in again. No dialog, no. */
export function askInDialog(host: Host, reason: Reason): Promise<boolean> {
  if (!host.showModal) return Promise.resolve(false);
  const options = { title: '登录已失效', content: words[reason], confirmText: '重新登录', cancelText: '暂不' };
  return start<{ confirm: boolean }>(host, 'showModal', options).result.then((answer) => answer.confirm, () => false);
}
