// Kaimen for Node: says who is calling before your handler runs, in Express (and everything with Connect's middleware) and in Fastify.
// Copy this file; it needs Node 18 and nothing else. What it does and its options: ../README.md.
'use strict'
const http = require('http')
const https = require('https')

const TICKETS = ['authorization', 'cookie', 'x-kaimen-ticket', 'x-wx-skey']
const CLAIMED = /^x-(kaimen-(?!ticket$).*|wx-(from-)?(openid|unionid|appid))$/
const TITLES = { 401: 'No valid ticket', 403: 'Not allowed', 503: 'The service is not available at present' }
const CODES = { 401: 'unauthenticated', 403: 'forbidden', 503: 'unavailable' }

function identityOf (headers) {
  const text = name => headers['x-kaimen-' + name] || undefined
  return Object.freeze({
    user: text('user'),
    session: text('session'),
    app: text('app'),
    openid: text('openid'),
    unionid: text('unionid'),
    externalId: text('external-id'),
    roles: Object.freeze((text('roles') || '').split(',').filter(Boolean)),
    env: text('env'),
    registered: text('registered') === 'true',
    expires: Number(text('expires')),
    jwt: text('jwt'),
    actor: text('actor') // who of your team looks on in the user's place; refuse them what only the user may do
  })
}

/** check(request) resolves to { status: 204, identity } (identity null: nobody, and that is allowed) or to { status: 401|403|503, … }. */
function checker ({ url = 'http://127.0.0.1:8081', key, check = {}, ticketHeaders = [], timeoutMs = 2000 } = {}) {
  const socketPath = url.startsWith('unix:') ? url.slice(5) : undefined
  const base = new URL(socketPath ? 'http://kaimen' : url)
  if (!['http:', 'https:'].includes(base.protocol)) throw new TypeError(`url must be http://…, https://… or unix:…, not ${url}`)
  const { request, Agent } = base.protocol === 'https:' ? https : http
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const query = new URLSearchParams(check).toString()
  const path = '/verify' + (query && '?' + query)
  const passed = new Set([...TICKETS, 'x-request-id', ...ticketHeaders.map(name => name.toLowerCase())])

  function ask (headers, signal, again) {
    return new Promise(resolve => {
      const unavailable = { status: 503 }
      const asked = request({ agent, socketPath, host: base.hostname.replace(/[[\]]/g, ''), port: base.port, path, headers, setHost: false, signal }, answer => {
        answer.resume()
        answer.on('error', () => {})
        const { statusCode: status, headers: told } = answer
        const requestId = told['x-request-id']
        if (status === 204 && told['x-kaimen-user']) resolve({ status, identity: identityOf(told) })
        // Nobody is let in as nobody unless that was asked for: whatever answered may not be Kaimen.
        else if (status === 204 && String(check.optional) === 'true') resolve({ status, identity: null })
        else if (status === 401) resolve({ status, requestId, reason: told['x-kaimen-reason'], challenge: told['www-authenticate'] })
        else resolve(status === 403 ? { status, requestId } : unavailable)
      })
      asked.on('error', () => {
        // Kaimen closes connections that have been idle; the request may not have reached it.
        if (asked.reusedSocket && !again && !signal.aborted) ask(headers, signal, true).then(resolve)
        else resolve(unavailable)
      })
      asked.end()
    })
  }

  return function (incoming) {
    const headers = ['Host', base.host]
    if (key) headers.push('X-Kaimen-Key', key)
    // As they came, doubled ones too: Kaimen judges those.
    const raw = incoming.rawHeaders
    const kept = []
    for (let i = 0; i < raw.length; i += 2) {
      const name = raw[i].toLowerCase()
      if (passed.has(name)) headers.push(raw[i], raw[i + 1])
      // Many gateways make one of all that is neither a letter nor a digit.
      if (CLAIMED.test(name.replace(/[^a-z0-9]/g, '-'))) delete incoming.headers[name]
      else kept.push(raw[i], raw[i + 1])
    }
    incoming.rawHeaders = kept
    return ask(headers, AbortSignal.timeout(timeoutMs), false)
  }
}

function refusal ({ status, reason, challenge, requestId }) {
  const headers = { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' }
  if (status === 401) headers['WWW-Authenticate'] = challenge || 'Bearer'
  if (reason) headers['X-Kaimen-Reason'] = reason
  if (status === 503) headers['Retry-After'] = '2'
  const body = { type: 'about:blank', title: TITLES[status], status, code: CODES[status], reason, request_id: requestId }
  return { status, headers, body: JSON.stringify(body) }
}

/** app.use(kaimen.express({ check: { app_id: 'wx…' } })); then req.kaimen. */
function express (options) {
  const check = checker(options)
  return function kaimen (req, res, next) {
    check(req).then(found => {
      if (found.status === 204) {
        req.kaimen = found.identity
        return next()
      }
      const { status, headers, body } = refusal(found)
      res.writeHead(status, headers).end(body)
    }).catch(next)
  }
}

/** fastify.register(kaimen.fastify, { check: { app_id: 'wx…' } }); then request.kaimen. */
function fastify (instance, options, done) {
  const check = checker(options)
  if (!instance.hasRequestDecorator('kaimen')) instance.decorateRequest('kaimen', null)
  instance.addHook('onRequest', async (request, reply) => {
    const found = await check(request.raw)
    if (found.status === 204) {
      request.kaimen = found.identity
      return
    }
    const { status, headers, body } = refusal(found)
    return reply.code(status).headers(headers).send(body)
  })
  done()
}
fastify[Symbol.for('skip-override')] = true // the hook is for the instance that registers it, not for a child of it

module.exports = { express, fastify, checker }
