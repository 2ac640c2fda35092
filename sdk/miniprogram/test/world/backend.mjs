// A team's backend behind a check: /verify is asked first, and what it refuses goes back as the barest nginx sends it, with the one header
// that auth_request passes on and a page of its own. The backend's own routes under /api:
//   /api/echo    what arrived, and whose it is      /api/open   the same, for anybody (optional=true)
//   /api/own401  a 401 of the backend's own         /api/slow   never answers
import http from 'node:http';
import crypto from 'node:crypto';

export async function openBackend(kaimen) {
  const served = [];
  const sockets = new Set();

  async function check(request) {
    const optional = request.url.startsWith('/api/open') ? '?optional=true' : '';
    const { authorization } = request.headers;
    return fetch(kaimen.private + '/verify' + optional, { headers: authorization ? { Authorization: authorization } : {} });
  }

  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const checked = await check(request);
    if (checked.status !== 204) {
      response.writeHead(checked.status, { 'WWW-Authenticate': checked.headers.get('www-authenticate') || '', 'Content-Type': 'text/html' });
      response.end('<html><head><title>401 Authorization Required</title></head></html>');
      return;
    }
    if (request.url.startsWith('/api/slow')) return;
    if (request.url.startsWith('/api/own401')) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="vault"', 'Content-Type': 'application/json' });
      response.end('{"error":"pin required"}');
      return;
    }
    const one = {
      user: checked.headers.get('x-kaimen-user'), session: checked.headers.get('x-kaimen-session'),
      method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString(),
    };
    served.push(one);
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(one));
  });

  // A socket that echoes; the check comes before the handshake.
  server.on('upgrade', async (request, socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const checked = await check(request);
    if (checked.status !== 204) return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
    const accept = crypto.createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.on('data', (frame) => {
      const length = frame[1] & 0x7f, mask = frame.subarray(2, 6);
      if ((frame[0] & 0x0f) !== 1) return socket.end();
      const text = Buffer.from(frame.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at % 4]));
      socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
    });
  });

  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    served,
    close() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
