import { KaimenError, type PhoneProof, type User } from '@kaimen/miniprogram';
import { kaimen } from '../../kaimen';
import { say } from '../../say';

Page({
  data: { ready: false, problem: '', user: null as User | null },
  off: () => {},

  onLoad() {
    this.off = kaimen.onChange(({ session }) => this.setData({ user: session.user, ready: !!session.user }));
    return this.start();
  },
  onUnload() {
    this.off();
  },

  async start() {
    this.setData({ problem: '' });
    try {
      // After a logout ready() says so and logs nobody in: login() does.
      const { state } = await kaimen.ready();
      const { user } = state === 'logged_in' ? kaimen.session() : await kaimen.login();
      this.setData({ ready: true, user });
    } catch (error) {
      this.setData({ problem: error instanceof KaimenError ? error.notice || error.code : String(error) });
    }
  },

  async bindPhone(event: WechatMiniprogram.CustomEvent<PhoneProof>) {
    try {
      await kaimen.bindPhone(event.detail);
    } catch (error) {
      say(error);
    }
  },

  async order() {
    try {
      const { statusCode } = await kaimen.request({ url: '/api/orders', method: 'POST', data: { item: 1 } });
      wx.showToast({ title: `后端回答 ${statusCode}`, icon: 'none' });
    } catch (error) {
      say(error);
    }
  },

  async logout() {
    await kaimen.logout();
    this.setData({ problem: '已退出登录' });
  },
});
