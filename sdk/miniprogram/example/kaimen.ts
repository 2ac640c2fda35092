// The one Kaimen of this mini program. In dev mode `kaimen serve --dev` prints the address to put here.
import { createKaimen } from '@kaimen/miniprogram';

export const kaimen = createKaimen({ baseUrl: 'http://127.0.0.1:8080', appId: 'wxdev0000000000001' });
