// Everything a test needs: one Kaimen a file, a fresh user and phone a test, and this process's clock.
import { after, before, beforeEach } from 'node:test';
import { createRequire } from 'node:module';
import { openBackend } from './backend.mjs';
import { startKaimen } from './kaimen.mjs';
import { openLine } from './line.mjs';
import { Phone } from './phone.mjs';

export const { createKaimen, KaimenError, errorCodes, reasons } = createRequire(import.meta.url)('../../dist/index.js');

const now = Date.now;
/** The phone's clock. The server's goes on as it is. */
export const clock = {
  /** Forward or back. */
  move(milliseconds) {
    const before = Date.now;
    Date.now = () => before() + milliseconds;
  },
  /** Only move() moves it from here on, however slow the machine is. */
  stop() {
    const here = Date.now();
    Date.now = () => here;
  },
  reset() {
    Date.now = now;
  },
};

export const world = {};
let users = 0;

/** For the top of a test file. */
export function useWorld() {
  before(async () => {
    world.kaimen = await startKaimen();
    world.line = await openLine(world.kaimen.public);
    world.backend = await openBackend(world.kaimen);
  });
  beforeEach(() => {
    clock.reset();
    world.line.heal();
    world.backend.served.length = 0;
  });
  after(async () => {
    await world.line?.close();
    await world.backend?.close();
    await world.kaimen?.stop();
  });
}

export const newPhone = (options) => new Phone(world.kaimen, `user${process.pid}-${(users += 1)}`, options);

/** A mini program on this phone, and all it was told. */
export function open(phone, options = {}) {
  const app = createKaimen({ baseUrl: world.line.url, origins: [world.backend.url], appId: world.kaimen.appId, host: phone.wx, ...options });
  app.changes = [];
  app.onChange((change) => app.changes.push(change));
  app.kinds = () => app.changes.map((change) => change.kind);
  app.echo = (more = {}) => app.request({ url: world.backend.url + '/api/echo', ...more });
  return app;
}

export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it should have failed');
}

/** Waits for what happens in the background. */
export async function eventually(check, seconds = 5) {
  const end = now() + seconds * 1000;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (now() > end) throw new Error('did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A promise and what settles it. */
export function gate() {
  let open;
  const promise = new Promise((resolve) => (open = resolve));
  return { promise, open };
}
