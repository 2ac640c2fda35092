import type { User } from '@kaimen/miniprogram';
import { kaimen } from '../../kaimen';
import { say } from '../../say';

Page({
  data: { user: null as User | null },

  async onLoad() {
    this.setData({ user: (await kaimen.ready()).user });
  },

  async chooseAvatar(event: WechatMiniprogram.CustomEvent<{ avatarUrl: string }>) {
    try {
      this.setData({ user: await kaimen.uploadAvatar(event.detail.avatarUrl) });
    } catch (error) {
      say(error);
    }
  },

  // A form's value, for an input of type nickname is checked by WeChat when it loses the focus, and may be cleared then.
  async save(event: WechatMiniprogram.CustomEvent<{ value: { nickname: string } }>) {
    try {
      this.setData({ user: await kaimen.updateProfile({ nickname: event.detail.value.nickname }) });
      wx.showToast({ title: '已保存' });
    } catch (error) {
      say(error);
    }
  },
});
