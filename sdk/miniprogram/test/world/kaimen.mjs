// A Kaimen of the real binary (KAIMEN_BIN) in dev mode, with its offline WeChat.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export async function startKaimen() {
  const binary = process.env.KAIMEN_BIN;
  if (!binary) throw new Error('KAIMEN_BIN must name the kaimen binary');
  const data = mkdtempSync(join(tmpdir(), 'kaimen-sdk-'));
  const free = '127.0.0.1:0';
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KAIMEN_')));
  const child = spawn(binary, ['serve', '--dev', '--json', '--public', free, '--private', free, '--sandbox', free, '--data', join(data, 'data')],
    { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => (log = (log + chunk).slice(-4000)));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([
    new Promise((resolve) => lines.once('line', resolve)),
    exited.then((code) => { throw new Error(`kaimen ended with ${code}:\n${log}`); }),
  ]);
  const addresses = JSON.parse(line);

  async function call(url, method, body, headers = {}) {
    const answer = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }
  return {
    ...addresses,
    appId: addresses.app_id,
    admin: (method, path, body) => call(addresses.private + '/admin/v1' + path, method, body, { Authorization: 'Bearer ' + addresses.admin_key }),
    control: (method, path, body) => call(addresses.sandbox + '/sandbox' + path, method, body),
    settings(settings) {
      return this.admin('PUT', '/apps/' + this.appId, { settings });
    },
    async stop() {
      child.kill('SIGTERM');
      const code = await exited;
      rmSync(data, { recursive: true, force: true });
      if (code !== 0) throw new Error(`kaimen ended with ${code}:\n${log}`);
    },
  };
}
