// Two languages, side by side where they are used: say('Log in', '登录').
const kept = localStorage.getItem('kaimen.playground.language');
export const language = kept || (/^zh/i.test(navigator.language) ? 'zh' : 'en');
document.documentElement.lang = language;

export const say = (english, chinese) => (language === 'zh' ? chinese : english);

export function switchLanguage() {
  localStorage.setItem('kaimen.playground.language', language === 'zh' ? 'en' : 'zh');
  location.reload();
}
