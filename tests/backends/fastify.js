// node fastify.js SDK PORT URL; the modules come by NODE_PATH.
const fastify = require('fastify')
const [sdk, port, url] = process.argv.slice(2)
const kaimen = require(sdk + '/node/kaimen.js')

const given = { url, key: process.env.KAIMEN_TEST_KEY, ticketHeaders: ['X-My-Ticket'] }
const app = fastify()
const under = (path, check) => app.register((part, _, done) => {
  part.register(kaimen.fastify, { ...given, check })
  part.get(path, async request => {
    const { externalId, ...identity } = request.kaimen || {}
    return { identity: request.kaimen && { ...identity, external_id: externalId }, headers: request.headers, raw: request.raw.rawHeaders }
  })
  done()
})
under('/plain')
under('/optional', { optional: true })
under('/editor', { role: 'editor' })
app.listen({ port: Number(port), host: '127.0.0.1' })
