// node express.js SDK PORT URL; the modules come by NODE_PATH.
const express = require('express')
const [sdk, port, url] = process.argv.slice(2)
const kaimen = require(sdk + '/node/kaimen.js')

const given = { url, key: process.env.KAIMEN_TEST_KEY, ticketHeaders: ['X-My-Ticket'] }
const app = express()
const me = (req, res) => {
  const { externalId, ...identity } = req.kaimen || {}
  res.json({ identity: req.kaimen && { ...identity, external_id: externalId }, headers: req.headers, raw: req.rawHeaders })
}
app.get('/plain', kaimen.express(given), me)
app.get('/optional', kaimen.express({ ...given, check: { optional: true } }), me)
app.get('/editor', kaimen.express({ ...given, check: { role: 'editor' } }), me)
app.listen(Number(port), '127.0.0.1')
