'use strict';
// Checks Kaimen's tickets in this process, over libkaimen_check (kaimen_check.c, compiled to kaimen_check.node beside this file); asks a node's
// /verify where nothing can be said.
//
//   const { Check } = require('./kaimen_check.js');
//   const check = new Check({ state: '/run/kaimen/check', verify: 'http://127.0.0.1:8081/verify' });
//   const answer = await check.request(req.rawHeaders, { app_id: 'wx…' });
//   if (answer.status === 204 && answer.user) …
//
// Without the addon or the file every check asks `verify`; without that too it is 503. Who can read the state file can also make tickets.
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');

const TIMEOUT_MS = 2000;
const TICKET_HEADERS = ['authorization', 'x-kaimen-ticket', 'cookie', 'x-wx-skey'];
const OPTIONS = ['app_id', 'project', 'role', 'env', 'registered', 'optional'];
const FIELDS = ['user', 'session', 'app_id', 'openid', 'unionid', 'external_id', 'roles', 'env'];

function answerOf(status, more) {
  return { status, reason: '', unsure: '', user: '', session: '', app_id: '', openid: '', unionid: '', external_id: '', roles: [], env: '', registered: false, expires: 0, ...more };
}
const rolesOf = (text) => text.split(',').filter(Boolean);

class Check {
  // state: the state file; verify: the address of a node's /verify, http://… or https://… (TypeError for others); addon: where kaimen_check.node is, if not beside this file;
  // ticketHeaders: session.ticket_headers, for `verify`; the state file knows them.
  constructor({ state, verify, addon, ticketHeaders = [] } = {}) {
    this.sent = new Set([...TICKET_HEADERS, ...ticketHeaders.map((name) => name.toLowerCase())]);
    this.verify = verify ? new URL(verify) : null;
    if (this.verify && !['http:', 'https:'].includes(this.verify.protocol)) throw new TypeError(`verify must be http://… or https://…, not ${verify}`);
    this.web = this.verify?.protocol === 'https:' ? https : http;
    this.agent = new this.web.Agent({ keepAlive: true });
    if (!state) return;
    try {
      this.native = require(addon || path.join(__dirname, 'kaimen_check.node'));
    } catch (error) {
      if (!verify) throw error;
      return;
    }
    this.handle = this.native.open(state);
  }

  // headers: [name, value, name, value, …] as in req.rawHeaders, or an object. wanted: the options of /verify.
  async request(headers, wanted = {}) {
    const answer = this.inside(headers, wanted);
    return answer.status === 503 && this.verify ? this.ask(flat(headers), { ...wanted, registered: is(wanted, 'registered'), optional: is(wanted, 'optional') }) : answer;
  }

  // The same without /verify, at once.
  inside(headers, wanted = {}) {
    for (const name of Object.keys(wanted)) if (!OPTIONS.includes(name)) throw new TypeError(`unknown: ${name}`);
    const registered = is(wanted, 'registered'), optional = is(wanted, 'optional');
    if (!this.handle) return answerOf(503, { unsure: 'no addon or no state file' });
    const asked = [wanted.app_id || '', wanted.project || '', wanted.role || '', wanted.env || ''];
    const found = this.native.request(this.handle, flat(headers), asked, registered, optional);
    if (found[0] === 401) return answerOf(401, { reason: found[1] });
    if (found[0] === 503) return answerOf(503, { unsure: found[1] });
    if (found.length === 2) return answerOf(found[0]);
    const known = Object.fromEntries(FIELDS.map((name, at) => [name, found[2 + at]]));
    return answerOf(204, { ...known, roles: rolesOf(known.roles), registered: found[10], expires: found[11] });
  }

  ask(headers, wanted) {
    const url = new URL(this.verify);
    for (const [name, value] of Object.entries(wanted)) if (value) url.searchParams.set(name, String(value));
    const sent = {};
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at].toLowerCase();
      if (this.sent.has(name)) (sent[name] ||= []).push(headers[at + 1]);
    }
    // Cookie headers are one list of pairs; of the others two stay two.
    const list = Object.entries(sent).flatMap(([name, values]) => (name === 'cookie' ? [name, values.join('; ')] : values.flatMap((value) => [name, value])));
    return new Promise((resolve) => {
      const failed = (why) => resolve(answerOf(503, { unsure: why }));
      const request = this.web.request(url, { agent: this.agent, headers: ['Host', url.host, ...list], timeout: TIMEOUT_MS }, (response) => {
        response.resume();
        const given = (name) => Buffer.from(response.headers[`x-kaimen-${name}`] || '', 'latin1').toString('utf8');
        if (response.statusCode === 401) return resolve(answerOf(401, { reason: given('reason') }));
        if (response.statusCode === 403) return resolve(answerOf(403));
        if (response.statusCode !== 204) return failed(`/verify answers ${response.statusCode}`);
        if (!given('user') && !wanted.optional) return failed('/verify names nobody'); // somebody else's 204
        if (given('actor')) return resolve(answerOf(403)); // a support view, refused as inside
        return resolve(answerOf(204, {
          user: given('user'), session: given('session'), app_id: given('app'), openid: given('openid'), unionid: given('unionid'), external_id: given('external-id'),
          roles: rolesOf(given('roles')), env: given('env'), registered: given('registered') === 'true', expires: Number(given('expires') || 0),
        }));
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', () => failed('/verify cannot be reached'));
      request.end();
    }).catch(() => answerOf(503, { unsure: 'these headers cannot be sent to /verify' }));
  }
}

// Configuration often has its yes and no as texts, and 'false' is not yes.
function is(wanted, name) {
  const value = wanted[name] ?? false;
  if (![true, false, 'true', 'false', ''].includes(value)) throw new TypeError(`${name} must be true or false`);
  return value === true || value === 'true';
}

function flat(headers) {
  if (Array.isArray(headers)) return headers;
  return Object.entries(headers).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).flatMap((one) => [name, one]));
}

module.exports = { Check };
