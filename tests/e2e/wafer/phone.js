// A phone for the published clients of wafer: a `wx` that does real HTTP and gets its codes from the sandbox. What the phone is to do comes
// as lines of JSON on stdin; each is answered by one line on stdout. node phone.js MODULES PACKAGE SANDBOX APPID USER
'use strict'
const http = require('http')
const readline = require('readline')

const [modules, name, sandbox, appid, user] = process.argv.slice(2)
const agent = new http.Agent({ keepAlive: true })
const counts = { login: 0, request: 0 }
const storage = new Map()
let keyStands = true

// As wx.request: whatever the status, it is a success; an answer that is JSON is parsed.
function send(url, method, header, body, done) {
  const request = http.request(url, { method, headers: header, agent }, response => {
    const chunks = []
    response.on('data', chunk => chunks.push(chunk))
    response.on('end', () => {
      let data = Buffer.concat(chunks).toString()
      try { data = JSON.parse(data) } catch { /* stays text */ }
      done(null, { data, statusCode: response.statusCode, header: response.headers })
    })
  })
  request.on('error', done)
  request.end(body)
}

function control(path, options, success) {
  send(sandbox + path, 'POST', { 'Content-Type': 'application/json' }, JSON.stringify({ appid, user }), (error, result) => {
    if (error || result.statusCode !== 200) (options.fail || (() => {}))({ errMsg: 'fail ' + (error || result.statusCode) })
    else success(result.data)
  })
}

global.wx = {
  login: options => { counts.login++; control('/sandbox/login', options, data => options.success({ code: data.code, errMsg: 'login:ok' })) },
  getUserInfo: options => control('/sandbox/user-info', options, data => options.success({ ...data, userInfo: JSON.parse(data.rawData) })),
  checkSession: options => setImmediate(keyStands ? options.success : options.fail),
  request: options => {
    counts.request++
    const header = { 'content-type': 'application/json' }
    for (const [key, value] of Object.entries(options.header || {})) {
      if (typeof value !== 'string') throw new TypeError('header ' + key + ' is no string')
      header[key] = value
    }
    send(options.url, options.method || 'GET', header, options.data === undefined ? undefined : JSON.stringify(options.data), (error, result) => {
      if (error) (options.fail || (() => {}))({ errMsg: 'request:fail ' + error.message })
      else options.success(result)
      if (options.complete) options.complete()
    })
  },
  getStorageSync: key => storage.has(key) ? JSON.parse(storage.get(key)) : '',
  setStorageSync: (key, value) => storage.set(key, JSON.stringify(value)),
  removeStorageSync: key => storage.delete(key),
}
// The packages listen to sockets as they are loaded; nothing here opens one.
for (const event of ['Open', 'Message', 'Error', 'Close']) wx['onSocket' + event] = () => {}

const sdk = require(modules + '/node_modules/' + name)
const told = error => ({ type: error.type, message: error.message || error.errMsg })
const settle = start => new Promise(resolve => start({ success: value => resolve({ ok: value }), fail: error => resolve({ failed: told(error) }) }))
const ask = options => settle(done => sdk.request({ ...options, ...done })).then(({ ok, failed }) => failed ? { failed } : { ok: { status: ok.statusCode, data: ok.data } })

const acts = {
  setLoginUrl: ({ url }) => sdk.setLoginUrl(url),
  login: () => settle(sdk.login),
  loginWithCode: () => settle(sdk.loginWithCode),
  request: ({ options }) => ask(options),
  together: ({ count, options }) => Promise.all(Array.from({ length: count }, () => ask(options))),
  session: () => storage.size ? JSON.parse([...storage.values()][0]) : null,
  keep: ({ session }) => wx.setStorageSync([...storage.keys()][0], session),
  clearSession: () => sdk.clearSession(),
  keyStands: ({ value }) => { keyStands = value },
  counts: () => counts,
}

readline.createInterface({ input: process.stdin }).on('line', async line => {
  const { act, ...given } = JSON.parse(line)
  const answer = await acts[act](given)
  process.stdout.write(JSON.stringify(answer === undefined ? null : answer) + '\n')
}).on('close', () => process.exit(0))
