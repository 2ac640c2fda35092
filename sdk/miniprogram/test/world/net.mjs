// Bytes on real sockets: one HTTP request, and the client's side of a WebSocket with short text frames.
import http from 'node:http';
import crypto from 'node:crypto';

export function rawRequest({ url, method, headers, body, timeout }, started) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers: body === undefined ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) }, agent: false }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
      answer.on('error', reject);
    });
    const timer = setTimeout(() => request.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })), timeout);
    request.on('close', () => clearTimeout(timer));
    request.on('error', reject);
    started(request);
    request.end(body);
  });
}

/** `wx.connectSocket`: a SocketTask at once; what comes of it comes by its listeners. */
export function rawSocket({ url, header, success }) {
  const listeners = { open: [], error: [], close: [], message: [] };
  const tell = (kind, value) => listeners[kind].forEach((listener) => listener(value));
  let socket;
  const request = http.request(url.replace(/^ws/, 'http'), {
    agent: false,
    headers: { ...header, Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': crypto.randomBytes(16).toString('base64') },
  });
  request.on('upgrade', (_, opened) => {
    socket = opened;
    socket.on('error', () => {});
    socket.on('data', (frame) => tell('message', { data: frame.subarray(2).toString() }));
    socket.on('close', () => tell('close', { code: 1000 }));
    tell('open', {});
  });
  request.on('response', (answer) => {
    answer.resume();
    tell('error', { errMsg: `connectSocket:fail Error during WebSocket handshake: Unexpected response code: ${answer.statusCode}` });
  });
  request.on('error', (error) => tell('error', { errMsg: 'connectSocket:fail ' + error.message }));
  request.end();
  setImmediate(() => success?.({ errMsg: 'connectSocket:ok' }));
  return {
    onOpen: (listener) => listeners.open.push(listener),
    onError: (listener) => listeners.error.push(listener),
    onClose: (listener) => listeners.close.push(listener),
    onMessage: (listener) => listeners.message.push(listener),
    send({ data }) {
      const text = Buffer.from(data), mask = crypto.randomBytes(4);
      socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask, Buffer.from(text.map((byte, at) => byte ^ mask[at % 4]))]));
    },
    close: () => (socket || request).destroy(),
  };
}
