// Where a mini-program code leads. The SDK has told the server of the scan with the login; `entry` is what the server has for it.
import type { Session } from '@kaimen/miniprogram';
import { kaimen } from '../../kaimen';
import { say } from '../../say';

Page({
  data: { scene: '', entry: '', missing: '' },
  off: () => {},

  async onLoad(query: Record<string, string | undefined>) {
    this.setData({ scene: decodeURIComponent(query.scene || '') });
    this.off = kaimen.onChange(({ session }) => this.show(session));
    try {
      this.show(await kaimen.ready());
    } catch (error) {
      say(error);
    }
  },
  onUnload() {
    this.off();
  },

  show({ entry, missing }: Session) {
    this.setData({ entry: entry ? JSON.stringify(entry) : '', missing: missing.join('、') });
  },
});
