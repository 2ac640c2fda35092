// What went wrong, in words for the user.
import { KaimenError } from '@kaimen/miniprogram';

const words: Partial<Record<KaimenError['code'], string>> = {
  network: '网络不可用',
  timeout: '网络超时',
  stale_session_key: '请再点一次',
  content_rejected: '内容不符合规范',
  payload_too_large: '图片太大',
  denied: '您没有授权',
  conflict: '该手机号已被使用',
};

export function say(error: unknown): void {
  const text = error instanceof KaimenError ? error.notice || words[error.code] || error.code : String(error);
  wx.showToast({ title: text, icon: 'none' });
}
