import type { DeviceSession } from '@kaimen/miniprogram';
import { kaimen } from '../../kaimen';
import { say } from '../../say';

Page({
  data: { devices: [] as DeviceSession[] },

  onShow() {
    return this.load();
  },

  async load() {
    try {
      this.setData({ devices: await kaimen.devices() });
    } catch (error) {
      say(error);
    }
  },

  async end(event: WechatMiniprogram.TouchEvent<WechatMiniprogram.IAnyObject, WechatMiniprogram.IAnyObject, { id: string }>) {
    await kaimen.endDevice(event.currentTarget.dataset.id).catch(say);
    await this.load();
  },

  async endOthers() {
    await kaimen.endOtherDevices().catch(say);
    await this.load();
  },
});
