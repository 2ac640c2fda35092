// Puts the page together: phones on the left, the story in the middle, the inside on the right.
import { fill, h } from './dom.js';
import { inside, refresh, shownChecked } from './inside.js';
import { facts } from './server.js';
import { Screen } from './screen.js';
import { faults, setFault, steps } from './story.js';
import { chapter, clear, timeline } from './timeline.js';
import { language, say, switchLanguage } from './words.js';

// A user nobody else has, so that the story begins at its beginning.
const user = 'you-' + Math.random().toString(36).slice(2, 8);
const place = (id) => document.getElementById(id);
let at = -1, running = false, last = '';

function changed() {
  last = stage.first.ticket || last;
  if (place('stale')) place('stale').checked = stage.first.stale;
  refresh(last).catch((error) => console.error(error));
}

const stage = {
  first: new Screen(user, 'iPhone 15', { name: say('the first phone', '第一台手机'), caption: say('your phone', '你的手机'), changed, seen: shownChecked }),
  other: null,
  second() {
    if (!this.other) {
      this.other = new Screen(user, 'Huawei Mate 70', {
        name: say('the second phone', '第二台手机'), caption: say('a second phone, same person', '第二台手机，同一个人'), changed, seen: shownChecked, small: true,
      });
      place('phones').insertBefore(this.other.element, place('weather'));
    }
    return this.other;
  },
};

async function run(index) {
  if (running) return;
  running = true;
  at = index;
  draw();
  chapter(`${index + 1} · ${steps[index].name()}`);
  try {
    await steps[index].run(stage);
  } catch (error) {
    console.error(error);
  } finally {
    running = false;
    draw();
    changed();
  }
}

function draw() {
  fill(place('steps'), steps.map((step, index) =>
    h(`button.step${index === at ? '.now' : index < at ? '.past' : ''}`, { type: 'button', disabled: running, onclick: () => run(index) }, h('i', {}, String(index + 1)), step.name())));
  const step = steps[at];
  const next = at + 1 < steps.length;
  fill(place('caption'),
    h('div', {},
      h('h2', {}, step ? `${at + 1} · ${step.name()}` : say('What happens when somebody opens your mini program?', '用户打开小程序时，发生了什么？')),
      h('p', {}, step ? step.why() : say('Eight steps, two minutes. The phone runs the real SDK, its requests are real, WeChat is the offline one. Press the button, or play with the phone.', '八步，两分钟。手机运行真正的 SDK，请求都是真的，微信是离线的那个。点按钮，或者直接玩手机。'))),
    next ? h('button.next', { type: 'button', id: 'next', disabled: running, onclick: () => run(at + 1) }, at < 0 ? say('Start', '开始') : say('Next', '下一步'), ' ▸')
      : h('button.next', { type: 'button', id: 'next', onclick: () => { clear(); at = -1; draw(); } }, say('Once more', '再来一遍'), ' ↺'));
}

function weather() {
  let on = null;
  const box = (words, change, id) => h('label', {}, h('input', { type: 'checkbox', id, onchange: change }), words);
  const boxes = faults.map((fault) => box(fault.name(), async (event) => {
    on = event.target.checked ? fault : null;
    for (const other of place('weather').querySelectorAll('input.fault')) if (other !== event.target) other.checked = false;
    await setFault(on);
  }));
  for (const one of boxes) one.firstChild.classList.add('fault');
  return h('div.weather', { id: 'weather' }, h('b', {}, say('Bad days', '坏天气')), boxes,
    box(say('A stale session_key, at the next number', '下一次取手机号时密钥已过期'), (event) => { stage.first.stale = event.target.checked; }, 'stale'),
    box(say('No network on the phone', '手机没有网络'), (event) => { stage.first.phone.online = !event.target.checked; stage.first.draw(); }));
}

fill(place('head'),
  h('div.brand', {}, h('img', { src: '/playground/icon.svg', alt: '' }), h('b', {}, 'Kaimen 开门'), h('span', {}, say('mini-program login, watched while it happens', '小程序登录，看着它发生'))),
  h('div.where', {}, h('code', {}, facts.app_id), h('code', {}, facts.public), h('button', { type: 'button', id: 'language', onclick: switchLanguage }, language === 'zh' ? 'English' : '中文')));
fill(place('phones'), stage.first.element, weather());
fill(place('story'), h('div.caption', { id: 'caption' }), timeline());
fill(place('inside'), inside());
await setFault(null);
draw();
refresh('');
