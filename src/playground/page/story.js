// The story in steps: what to do, what to look at, what it was for. Each step leaves the phones as the next one finds them; going back to one
// that needs an open mini program opens it.
import { limit, sandbox } from './server.js';
import { note } from './timeline.js';
import { say } from './words.js';

export const clock = { offset: 0 };
const realNow = Date.now.bind(Date);
Date.now = () => realNow() + clock.offset;

async function opened(stage) {
  const { first } = stage;
  if (!first.kaimen) await first.open();
  if (first.session.state !== 'logged_in') await first.login();
}

export const steps = [
  {
    name: () => say('Open it', '打开'),
    why: () => say(
      'The phone gets a code from WeChat, Kaimen trades it for openid and session_key, keeps the key, and hands back a ticket of its own. Nobody pressed anything.',
      '手机向微信要 code，Kaimen 用它换得 openid 与 session_key，留下密钥，交还一张自己的票据。用户什么都没点。'),
    async run({ first }) {
      if (first.kaimen) first.close();
      first.phone.storage.clear();
      await first.open();
    },
  },
  {
    name: () => say('Ask your backend', '请求后端'),
    why: () => say(
      'The request carries the ticket. nginx asks Kaimen, which looks into no database, and your backend reads who it is from a header.',
      '请求带着票据。nginx 问 Kaimen（不查数据库），后端从请求头里读到是谁。'),
    async run(stage) {
      await opened(stage);
      await stage.first.order();
    },
  },
  {
    name: () => say('Phone number', '手机号'),
    why: () => say(
      'The button gives a second kind of code. Kaimen asks WeChat for the number with an access_token that it keeps for everybody.',
      '按钮给出另一种 code。Kaimen 用它统一保管的 access_token 向微信换手机号。'),
    async run(stage) {
      await opened(stage);
      await stage.first.bindPhone();
    },
  },
  {
    name: () => say('Close, open again', '关掉再打开'),
    why: () => say(
      'checkSession first: the key stands, so there is no new login. One look at the server says that the session does, too.',
      '先 checkSession：密钥还有效，就不再登录；再问一下服务器，会话也还在。'),
    async run(stage) {
      await opened(stage);
      stage.first.close();
      await stage.first.open();
    },
  },
  {
    name: () => say('Two hours later', '两小时后'),
    why: () => say(
      'The ticket has run out on this phone’s clock. The SDK renews it with the renew token, then sends the order: no wx.login, so the session_key stays as it is.',
      '按手机的时钟，票据已到期。SDK 先用续期令牌换新票据，再下单；没有 wx.login，session_key 不变。'),
    async run(stage) {
      await opened(stage);
      clock.offset += 2 * 3600000;
      note('phone', say('the clock: two hours later', '时钟：两小时后'));
      await stage.first.order();
    },
  },
  {
    name: () => say('A second phone', '第二台手机'),
    why: () => say(
      'One device at a time, says the app’s setting. The second phone logs in, the first is replaced, is told why at its next request, and asks before it comes back. Answer the dialog.',
      '应用设为同时只允许一台设备。第二台登录，第一台被顶下线；它在下一次请求时得知原因，并先询问再登录。请回答弹窗。'),
    async run(stage) {
      await opened(stage);
      const { was } = await limit(1);
      const second = stage.second();
      if (second.kaimen) second.close();
      second.phone.storage.clear();
      await second.open();
      await limit(was);
      stage.first.order();  // it waits for the dialog's answer
    },
  },
  {
    name: () => say('A stale key', '过期的密钥'),
    why: () => say(
      'WeChat has replaced the session_key and Kaimen never heard of it: the classic “decryption fails sometimes”. Kaimen says stale_session_key, the SDK logs in once, and the same data opens.',
      '微信换了 session_key 而 Kaimen 不知道：经典的「偶尔解密失败」。Kaimen 回答 stale_session_key，SDK 重新登录一次，同一份数据就解开了。'),
    async run(stage) {
      if (stage.first.dialog) stage.first.dialog.answer(true);
      await opened(stage);
      stage.first.stale = true;
      await stage.first.bindPhone();
    },
  },
  {
    name: () => say('Log out', '退出'),
    why: () => say(
      'Ended here and on the server, before the answer: the ticket, sealed and not yet expired, says 401 logged_out from now on, on every node.',
      '本机与服务器同时结束：票据虽未到期，此后在每个节点上都是 401 logged_out。'),
    async run(stage) {
      await opened(stage);
      await stage.first.logout();
    },
  },
];

/** Bad days to switch on, for free play. */
export const faults = [
  { name: () => say('WeChat is slow (2 s)', '微信变慢（2 秒）'), on: { path: '/sns/jscode2session', delay_ms: 2000 } },
  { name: () => say('WeChat is busy (−1)', '微信繁忙（−1）'), on: { path: '/sns/jscode2session', errcode: -1 } },
  { name: () => say('WeChat never answers', '微信没有应答'), on: { path: '/sns/jscode2session', hang: true } },
  { name: () => say('The code was used, once', 'code 已被用过（一次）'), on: { path: '/sns/jscode2session', errcode: 40163, times: 1 } },
];
export const setFault = (fault) => sandbox('PUT', '/faults', fault ? fault.on : { path: '/sns/jscode2session' });
