// What the phone shows: a home screen with one mini program, and that mini program when it is open. It runs the SDK as any app would.
import { createKaimen } from './kaimen.js';
import { fill, h } from './dom.js';
import { facts, sandbox } from './server.js';
import { Phone, shop } from './phone.js';
import { note } from './timeline.js';
import { say } from './words.js';

const two = (number) => String(number).padStart(2, '0');

export class Screen {
  kaimen = null;
  toast = '';
  dialog = null;
  busy = 0;
  stale = false;  // the next number is encrypted with a session_key that Kaimen has never seen

  constructor(user, model, { name, caption, changed, seen, small = false }) {
    this.phone = new Phone(user, model, name, seen);
    this.changed = changed;
    this.glass = h('div.glass');
    this.element = h(`div.device${small ? '.small' : ''}`, {}, this.glass, h('div.model', {}, caption));
    this.draw();
  }

  get session() {
    return this.kaimen ? this.kaimen.session() : null;
  }
  /** The ticket that this phone has in its storage. */
  get ticket() {
    const kept = this.phone.storage.get(`kaimen.${facts.app_id}.develop`);
    return (kept && JSON.parse(kept).kept?.token) || '';
  }

  /** Opens the mini program: memory is fresh, storage is what it was. */
  async open() {
    const host = this.phone.host((options) => this.ask(options));
    this.kaimen = createKaimen({ baseUrl: facts.public, origins: [shop], appId: facts.app_id, host });
    this.kaimen.onChange(({ kind, session }) => {
      if (kind === 'renewed') note('phone', say('renewed, silently', '已静默续期'));
      if (kind === 'ended') note('phone', say(`session ended: ${session.reason}`, `会话结束：${session.reason}`));
      this.draw();
      this.changed();
    });
    await this.doing(() => this.kaimen.ready());
  }
  close() {
    this.kaimen = null;
    this.dialog = null;
    this.toast = '';
    this.draw();
    this.changed();
  }

  order() {
    return this.doing(async () => {
      const { statusCode } = await this.kaimen.request({ url: shop + '/api/orders', method: 'POST', data: { item: 1 } });
      return say(`Order placed (${statusCode})`, `已下单（${statusCode}）`);
    });
  }
  bindPhone() {
    return this.doing(async () => {
      const old = this.stale;
      this.stale = false;
      if (old) await this.replaceKey();
      const user = await this.kaimen.bindPhone(await this.phone.phoneButton(old));
      return say('Number: ', '手机号：') + user.phone_number;
    });
  }
  /** As when the mini program was killed between wx.login and the server's answer. The next login keeps the key, as WeChat does for a while. */
  async replaceKey() {
    await sandbox('POST', '/login', { appid: facts.app_id, user: this.phone.user, rotate: true });
    note('wechat', say('a new session_key, and nobody told', '换了 session_key，谁也没告诉'));
    this.phone.rotate = false;
  }
  login() {
    return this.doing(() => this.kaimen.login());
  }
  logout() {
    return this.doing(() => this.kaimen.logout());
  }

  async doing(work) {
    this.busy += 1;
    this.toast = '';
    this.draw();
    try {
      const words = await work();
      this.toast = typeof words === 'string' ? words : '';
      return true;
    } catch (error) {
      this.toast = error.notice || (error.code ? `${error.code}${error.reason ? ' · ' + error.reason : ''}` : String(error));
      if (!error.code) console.error(error);
      return false;
    } finally {
      this.busy -= 1;
      this.draw();
      this.changed();
    }
  }

  /** wx.showModal. */
  ask(options) {
    return new Promise((resolve) => {
      this.dialog = { options, answer: (yes) => { this.dialog = null; this.draw(); resolve(yes); } };
      this.draw();
      this.changed();
    });
  }

  draw() {
    const now = new Date(Date.now());  // the phone's clock, which the story moves
    fill(this.glass,
      h('div.status', {}, h('span', {}, `${two(now.getHours())}:${two(now.getMinutes())}`), h('span', {}, this.phone.online ? '●●●● 5G' : '✈')),
      this.kaimen ? this.app() : this.home(),
      this.dialog && h('div.veil', {}, h('div.dialog', { role: 'dialog' },
        h('b', {}, this.dialog.options.title), h('p', {}, this.dialog.options.content, say(' (The SDK asks: log in again, or not now?)', '')),
        h('div.answers', {},
          h('button', { type: 'button', onclick: () => this.dialog.answer(false) }, this.dialog.options.cancelText),
          h('button.yes', { type: 'button', onclick: () => this.dialog.answer(true) }, this.dialog.options.confirmText)))));
  }

  home() {
    return h('div.home', {}, h('button.icon', { type: 'button', onclick: () => this.open() }, h('i', {}, '店'), h('span', {}, say('My shop', '我的小店'))));
  }

  app() {
    const { state, user, reason } = this.session;
    const is = state === 'logged_in';
    const button = (words, does, enabled = true, tone = '') => h(`button.do${tone}`, { type: 'button', disabled: !enabled || this.busy > 0, onclick: does }, words);
    return h('div.app', {},
      h('div.bar', {}, h('b', {}, say('My shop', '我的小店')), h('button.capsule', { type: 'button', title: say('Close', '关闭'), onclick: () => this.close() }, '··· | ◎')),
      h('div.me', {},
        h(`div.face${is ? '.in' : ''}`, {}, is ? say('me', '我') : '?'),
        h('div', {},
          h('div.who', {}, is ? user.nickname || user.id.slice(0, 12) : state === 'starting' ? say('logging in …', '登录中…') : say('nobody', '未登录')),
          h('small', {}, is ? user.phone_number || say('no phone number', '未绑定手机号') : reason || ''))),
      button(say('Place an order', '下单'), () => this.order(), is, '.main'),
      button(say('Bind my phone number', '绑定手机号'), () => this.bindPhone(), is),
      is ? button(say('Log out', '退出登录'), () => this.logout()) : button(say('Log in', '登录'), () => this.login(), state !== 'starting'),
      h('div.toast', { role: 'status' }, this.toast));
  }
}
