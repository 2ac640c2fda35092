// What passes between phone, backend, Kaimen and WeChat, as arrows between four lanes. An arrow opens into what was said.
import { fill, h } from './dom.js';
import { say } from './words.js';

export const lanes = ['phone', 'backend', 'kaimen', 'wechat'];
const names = {
  phone: () => [say('Phone', '手机'), say('mini program + SDK', '小程序 + SDK')],
  backend: () => [say('Your backend', '你的后端'), say('behind nginx', '在 nginx 之后')],
  kaimen: () => ['Kaimen', say('login & sessions', '登录与会话')],
  wechat: () => [say('WeChat', '微信'), say('here: the sandbox', '此处为离线沙箱')],
};
const most = 120;

const rows = h('div.rows');
const hint = h('p.hint', {}, say('Here it is drawn. Click an arrow to read what was said.', '这里会画出每一步。点箭头可看内容。'));
let waiting = null;

export function timeline() {
  return h('div.timeline', { id: 'timeline' },
    h('div.lanes', {}, lanes.map((lane) => h(`div.lane.${lane}`, {}, h('b', {}, names[lane]()[0]), h('small', {}, names[lane]()[1])))),
    h('div.scroll', {}, h('div.lines', {}, lanes.map((lane) => h(`i.${lane}`))), hint, rows));
}

/** An arrow. `tone`: '', 'good', 'bad'; `detail`: whatever was said, shown when the arrow is opened. */
export function arrow(from, to, text, { note = '', tone = '', detail = null, pending = false } = {}) {
  const a = lanes.indexOf(from), b = lanes.indexOf(to);
  const back = a > b;
  const row = h(`div.row${tone ? '.' + tone : ''}${back ? '.back' : ''}${pending ? '.pending' : ''}`);
  const line = h('button.arrow', { type: 'button', title: detail ? say('open', '展开') : null }, h('span', {}, text), note ? h('small', {}, note) : null);
  line.style.gridColumn = `${2 * Math.min(a, b) + 2} / ${2 * Math.max(a, b) + 2}`;
  row.append(line);
  if (detail) {
    const more = h('pre', { hidden: true }, typeof detail === 'string' ? detail : JSON.stringify(detail, null, 2));
    line.addEventListener('click', () => (more.hidden = !more.hidden));
    row.append(more);
  }
  add(row);
  return { done: () => row.classList.remove('pending') };
}

/** Something that happens at one place. */
export function note(lane, text) {
  const bubble = h(`div.bubble.${lane}`, {}, text);
  bubble.style.gridColumn = `${2 * lanes.indexOf(lane) + 1} / ${2 * lanes.indexOf(lane) + 3}`;
  add(h('div.row', {}, bubble));
}

export function chapter(title) {
  add(h('div.chapter', {}, h('span', {}, title)));
}

export function clear() {
  fill(rows);
}

function add(row) {
  hint.hidden = true;
  rows.append(row);
  while (rows.children.length > most) rows.firstChild.remove();
  if (!waiting) {
    waiting = requestAnimationFrame(() => {
      waiting = null;
      rows.parentElement.scrollTop = rows.parentElement.scrollHeight;
    });
  }
}
