// Beside the story: the ticket opened up, what a backend was told, and what is in the store.
import { fill, h } from './dom.js';
import { look } from './server.js';
import { say } from './words.js';

const ticketPanel = h('div'), backendPanel = h('div'), storePanel = h('div'), keysPanel = h('div');
const fact = (name, value, title = '') => h('tr', {}, h('th', { title }, name), h('td', {}, value));
const time = (text) => (text ? text.slice(11, 19) : '');

export function inside() {
  const panel = (id, title, words, body) => h('section.panel', { id }, h('h2', {}, title), h('p', {}, words), body);
  shownChecked(null);
  return [
    panel('ticket', say('The ticket, opened', '票据，打开来看'), say('Sealed: only the server can. Shown because this is dev mode.', '只有服务器能打开；因开发模式而展示。'), ticketPanel),
    panel('checked', say('What your backend is told', '你的后端得到什么'), say('Headers of the last GET /verify. No SDK, any language.', '最近一次 GET /verify 的应答头。任何语言，无需 SDK。'), backendPanel),
    panel('rows', say('Rows in the store', '库里的行'), '', storePanel),
    panel('keys', say('session_key, the last versions', 'session_key 的最近几个版本'), say('Fingerprints. The keys never leave the server.', '这里是指纹。密钥从不离开服务器。'), keysPanel),
  ];
}

/** base64url: prefix, key id (4 bytes), nonce (12), the sealed rest, tag (16). */
function segments(ticket) {
  const [prefix, text] = [ticket.slice(0, 4), ticket.slice(4)];
  const cuts = [0, 6, 22, text.length - 21, text.length];
  const kinds = ['key', 'nonce', 'sealed', 'tag'];
  return [h('span.prefix', {}, prefix), ...kinds.map((kind, at) => h(`span.${kind}`, { title: kind }, text.slice(cuts[at], cuts[at + 1])))];
}

export async function refresh(ticket) {
  if (!ticket) return fill(ticketPanel, h('p.none', {}, say('No ticket yet: open the mini program.', '还没有票据：先打开小程序。')));
  const seen = await look(ticket);
  if (!seen) return;
  const claims = seen.ticket;
  fill(ticketPanel,
    h('code.ticket', {}, segments(ticket)),
    h('table', {},
      fact('user', claims.user), fact('session', claims.session), fact('openid', claims.openid || '–'),
      fact(say('issued', '签发'), `${time(claims.issued_at)}, ${say('until', '至')} ${time(claims.expires_at)}`),
      fact('generation', `${claims.generation} · ${claims.env} · ${claims.registered ? say('registered', '已注册') : say('guest', '访客')}`),
      fact(say('check says', '校验结果'), claims.refused ? h('b.bad', {}, `401 ${claims.refused}`) : h('b.good', {}, '204'))));

  const user = seen.user;
  fill(storePanel,
    table('users', ['id', 'nickname', 'phone'], user ? [[user.id.slice(0, 8), user.nickname || '–', user.phone ? `${user.phone} · ${say('sealed in the row', '行内加密')}` : '–']] : []),
    table('identities', ['provider', 'openid'], seen.identities.map((one) => [one.provider, one.openid])),
    table('sessions', ['id', say('device', '设备'), say('ticket', '票据代'), say('renew', '续期代')],
      seen.sessions.map((one) => [one.id.slice(-8), one.device, one.generation, one.renew_generation])));
  const known = new Set([...keysPanel.querySelectorAll('.chip')].map((chip) => chip.textContent));
  fill(keysPanel, h('div.chips', {}, seen.session_keys.map((name, at) => h(`span.chip${at === 0 ? '.newest' : ''}${known.size && !known.has(name) ? '.new' : ''}`, {}, name))));
}

function table(name, columns, rows) {
  return h('table.rows-of', {},
    h('caption', {}, name, h('small', {}, String(rows.length))),
    h('tr', {}, columns.map((column) => h('th', {}, column))),
    rows.map((row) => h('tr', {}, row.map((cell) => h('td', {}, String(cell))))));
}

export function shownChecked(checked) {
  if (!checked) return fill(backendPanel, h('p.none', {}, say('Nothing yet: place an order.', '还没有：下一单试试。')));
  fill(backendPanel,
    h(`b.${checked.status === 204 ? 'good' : 'bad'}`, {}, String(checked.status)),
    h('table', {}, Object.entries(checked.headers).map(([name, value]) => fact(name === 'www-authenticate' ? 'WWW-Authenticate' : name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()), value))));
}
