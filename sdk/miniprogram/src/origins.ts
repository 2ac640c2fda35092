// Whose servers may see the ticket.

/**
 * Scheme, host and port; a socket's scheme is that of the HTTP it begins as. Compared as text, so that an address with anything odd in it (a
 * user's name, backslashes, blanks) is nobody's, whatever a host's parser makes of it. Empty: no absolute address.
 */
function originOf(url: string): string {
  const found = /^(?:http|ws)(s?):\/\/([^/?#]+)/.exec(url.toLowerCase());
  return found ? 'http' + found[1] + '://' + found[2].replace(found[1] ? /:443$/ : /:80$/, '') : '';
}

export class Origins {
  private readonly ours: string[];

  constructor(baseUrl: string, more: string[] = []) {
    this.ours = [baseUrl].concat(more).map(originOf);
    // Silently none would be a login that never arrives.
    if (this.ours.indexOf('', 1) > 0) throw new Error('createKaimen: `origins` are such as "https://api.example.cn"');
  }

  has(url: string): boolean {
    const origin = originOf(url);
    return !!origin && this.ours.indexOf(origin) >= 0;
  }
}
