// What the page asks the server it came from.
async function post(name, body) {
  const answer = await fetch('/playground/' + name, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer.json();
}

export const facts = await post('facts', {});

/** A real request to the public listener or to the sandbox. */
export const wire = (to, method, path, headers, body) => post('wire', { to, method, path, headers, body });

export async function sandbox(method, path, body) {
  const answer = await wire('sandbox', method, '/sandbox' + path, { 'Content-Type': 'application/json' }, body && JSON.stringify(body));
  return JSON.parse(answer.body || '{}');
}

/** What is held of the holder of a ticket; null where the ticket is not of this server. */
export const look = (ticket) => post('look', { ticket }).catch(() => null);
export const limit = (count) => post('limit', { max_per_user: count });

/** The check that stands in front of a backend. */
export async function verify(authorization) {
  const answer = await fetch('/verify', { headers: authorization ? { Authorization: authorization } : {} });
  const headers = {};
  for (const [name, value] of answer.headers) if (/^(x-kaimen-|www-auth)/.test(name)) headers[name] = value;
  return { status: answer.status, headers };
}
