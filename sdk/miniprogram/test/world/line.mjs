// The line between phone and server: a real proxy that notes what passes and, where a test says so, loses, holds or forges an answer.
import http from 'node:http';

export async function openLine(target) {
  const rules = [];
  const seen = [];

  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks);
      const name = `${request.method} ${request.url.split('?')[0]}`;
      const note = { name, url: request.url, ticket: (request.headers.authorization || '').replace('Bearer ', ''), headers: request.headers, body: body.toString() };
      seen.push(note);
      const rule = rules.find((one) => one.name === name && one.times > 0);
      if (rule) rule.times -= 1;
      const does = rule ? rule.does : {};
      if (does.cut) return request.socket.destroy();
      if (does.answer) return write(response, does.answer);
      if (does.wait) await does.wait;
      const answer = await forward(target, request, body).catch(() => undefined);
      if (does.hold) await does.hold;
      if (!answer || does.lose) return request.socket.destroy();
      note.status = answer.status;
      write(response, answer);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    count: (name) => seen.filter((one) => one.name === name).length,
    /** What becomes of the next `times` such requests: {cut}: never arrives; {lose}: answered into the void;
     * {wait: promise}: arrives later; {hold: promise}: is answered later; {answer}. */
    next(name, does, times = 1) {
      rules.push({ name, does, times });
    },
    heal() {
      rules.length = 0;
      seen.length = 0;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(target, request, body) {
  return new Promise((resolve, reject) => {
    const headers = { ...request.headers };
    delete headers.host;
    const out = http.request(target + request.url, { method: request.method, headers }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
    });
    out.on('error', reject);
    out.end(body);
  });
}

function write(response, { status, headers = {}, body = '' }) {
  const kept = { ...headers };
  delete kept['transfer-encoding'];
  response.writeHead(status, kept);
  response.end(body);
}
