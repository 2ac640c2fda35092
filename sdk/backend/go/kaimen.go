// Package kaimen says who is calling before a handler of net/http runs. Copy this file; it needs Go 1.19 and nothing else. What it does and
// its options: ../README.md.
package kaimen

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Identity is who holds the ticket of a request.
type Identity struct {
	User, Session, App, OpenID, UnionID, ExternalID, Env, JWT string
	// Who of your team looks on in the user's place; empty: the user. Refuse them what only the user may do.
	Actor      string
	Roles      []string
	Registered bool
	Expires    time.Time // of the ticket
}

// Options of a check. Those that are not set have the values named.
type Options struct {
	URL           string        // http://127.0.0.1:8081; or https://…, or unix:/run/kaimen/private.sock
	Key           string        // a key of scope verify, from afar
	Check         url.Values    // what /verify is to look at: app_id, project, registered, role, env, optional, jwt
	TicketHeaders []string      // as in session.ticket_headers of Kaimen's configuration
	Timeout       time.Duration // 2 s
}

type key struct{}

// From is the identity that the middleware found; false where the check is optional and there is no ticket.
func From(ctx context.Context) (Identity, bool) {
	identity, ok := ctx.Value(key{}).(Identity)
	return identity, ok
}

type checker struct {
	target   string
	options  Options
	headers  []string
	optional bool
	line     *http.Transport
}

// New makes a middleware. It fails where the URL is none.
func New(options Options) (func(http.Handler) http.Handler, error) {
	if options.URL == "" {
		options.URL = "http://127.0.0.1:8081"
	}
	if options.Timeout == 0 {
		options.Timeout = 2 * time.Second
	}
	// The transport alone: no redirects, no cookies, no proxy of the environment.
	c := &checker{options: options, line: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 60 * time.Second, DisableCompression: true}}
	base := options.URL
	if path := strings.TrimPrefix(base, "unix:"); path != base {
		base = "http://kaimen"
		c.line.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
	}
	parsed, err := url.Parse(base)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return nil, errors.New("kaimen: URL must be http://…, https://… or unix:…")
	}
	c.target = parsed.Scheme + "://" + parsed.Host + "/verify"
	if query := options.Check.Encode(); query != "" {
		c.target += "?" + query
	}
	c.optional = options.Check.Get("optional") == "true"
	c.headers = append([]string{"Authorization", "Cookie", "X-Kaimen-Ticket", "X-Wx-Skey", "X-Request-Id"}, options.TicketHeaders...)
	return c.wrap, nil
}

func (c *checker) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, told := c.ask(r)
		for name := range r.Header {
			if claims(name) {
				delete(r.Header, name)
			}
		}
		switch {
		case status == http.StatusNoContent && told.Get("X-Kaimen-User") != "":
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, identityOf(told))))
		case status == http.StatusNoContent && c.optional:
			next.ServeHTTP(w, r)
		case status == http.StatusUnauthorized || status == http.StatusForbidden:
			refuse(w, status, told)
		default: // also a 204 that names nobody: whatever answered is not Kaimen
			refuse(w, http.StatusServiceUnavailable, told)
		}
	})
}

func (c *checker) ask(r *http.Request) (int, http.Header) {
	ctx, cancel := context.WithTimeout(r.Context(), c.options.Timeout)
	defer cancel()
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, c.target, nil)
	if err != nil {
		return 0, http.Header{}
	}
	// As they came, doubled ones too: Kaimen judges those.
	for _, name := range c.headers {
		name = http.CanonicalHeaderKey(name)
		if values := r.Header[name]; len(values) > 0 {
			asked.Header[name] = values
		}
	}
	if c.options.Key != "" {
		asked.Header.Set("X-Kaimen-Key", c.options.Key)
	}
	answer, err := c.line.RoundTrip(asked)
	if err != nil {
		return 0, http.Header{}
	}
	io.Copy(io.Discard, io.LimitReader(answer.Body, 4096))
	answer.Body.Close()
	return answer.StatusCode, answer.Header
}

// Whether a header claims who is calling: only the check says that.
func claims(name string) bool {
	// Many gateways make one of all that is neither a letter nor a digit.
	name = strings.Map(func(c rune) rune {
		if (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') {
			return c
		}
		return '-'
	}, strings.ToLower(name))
	switch name {
	case "x-kaimen-ticket":
		return false
	case "x-wx-openid", "x-wx-unionid", "x-wx-appid", "x-wx-from-openid", "x-wx-from-unionid", "x-wx-from-appid":
		return true
	}
	return strings.HasPrefix(name, "x-kaimen-")
}

func identityOf(told http.Header) Identity {
	text := func(name string) string { return told.Get("X-Kaimen-" + name) }
	expires, _ := strconv.ParseInt(text("Expires"), 10, 64)
	identity := Identity{User: text("User"), Session: text("Session"), App: text("App"), OpenID: text("Openid"), UnionID: text("Unionid"),
		ExternalID: text("External-Id"), Env: text("Env"), JWT: text("Jwt"), Actor: text("Actor"), Registered: text("Registered") == "true", Expires: time.Unix(expires, 0)}
	if roles := text("Roles"); roles != "" {
		identity.Roles = strings.Split(roles, ",")
	}
	return identity
}

func refuse(w http.ResponseWriter, status int, told http.Header) {
	names := map[int][2]string{401: {"No valid ticket", "unauthenticated"}, 403: {"Not allowed", "forbidden"},
		503: {"The service is not available at present", "unavailable"}}
	body := struct {
		Type      string `json:"type"`
		Title     string `json:"title"`
		Status    int    `json:"status"`
		Code      string `json:"code"`
		Reason    string `json:"reason,omitempty"`
		RequestID string `json:"request_id,omitempty"`
	}{"about:blank", names[status][0], status, names[status][1], "", told.Get("X-Request-Id")}
	headers := w.Header()
	headers.Set("Content-Type", "application/problem+json")
	headers.Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		body.Reason = told.Get("X-Kaimen-Reason")
		headers.Set("X-Kaimen-Reason", body.Reason)
		headers.Set("WWW-Authenticate", told.Get("WWW-Authenticate"))
	}
	if status == http.StatusServiceUnavailable {
		headers.Set("Retry-After", "2")
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
