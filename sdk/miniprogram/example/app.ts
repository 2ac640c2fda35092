import { KaimenError } from '@kaimen/miniprogram';
import { kaimen } from './kaimen';

App({
  onLaunch() {
    kaimen.onChange(({ kind, error }) => {
      if (kind === 'paused' && error) wx.showToast({ title: `登录繁忙，${error.retryAfter} 秒后再试`, icon: 'none' });
    });
    // Nobody waits here: each page that needs the user awaits ready() itself. A failure is shown there, too.
    kaimen.ready().catch((error: unknown) => console.warn(error instanceof KaimenError ? error.code : error));
  },
});
