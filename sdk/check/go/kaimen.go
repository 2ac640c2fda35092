// Package kaimen checks Kaimen's tickets in this process, over libkaimen_check by cgo; it asks a node's /verify where nothing can be said.
//
//	check, err := kaimen.Open("/run/kaimen/check", "http://127.0.0.1:8081/verify")
//	answer := check.Request(r.Header, kaimen.Wanted{AppID: "wx…"})
//	if answer.Status == 204 && answer.User != "" { … }
//
// Any goroutine. Who can read the state file can also make tickets. Copy this file; it needs libkaimen_check and its header, found by
// CGO_CFLAGS and CGO_LDFLAGS where they are not where cc looks.
package kaimen

/*
#cgo LDFLAGS: -lkaimen_check
#include <stdlib.h>
#include <string.h>
#include <kaimen_check.h>

// One call from Go: names and values lie one after another in `texts`, their sizes in `sizes`.
static int check_request(kaimen_check *check, const char *texts, const size_t *sizes, size_t headers, const char *app_id, const char *project,
                         const char *role, const char *env, int registered, int optional, kaimen_identity *who) {
	kaimen_presented presented;
	memset(&presented, 0, sizeof presented);
	for (size_t i = 0; i < headers; ++i) {
		const size_t name = sizes[2 * i], value = sizes[2 * i + 1];
		kaimen_presented_header(check, &presented, texts, name, texts + name, value, NULL);
		texts += name + value;
	}
	kaimen_wanted wanted = {app_id, project, role, env, registered, optional};
	return kaimen_check_request(check, &presented, &wanted, who);
}
*/
import "C"

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const timeout = 2 * time.Second

// Wanted holds the options of /verify; zero: nothing but a good ticket.
type Wanted struct {
	AppID, Project, Role, Env string
	Registered, Optional      bool
}

// Answer is what a check comes to: Status 204, 401 (Reason says why), 403, 503 (Unsure says why). User is "" where nobody is identified.
type Answer struct {
	Status                                                   int
	Reason, Unsure                                           string
	User, Session, AppID, OpenID, UnionID, ExternalID, Env string
	Roles                                                    []string
	Registered                                               bool
	Expires                                                  int64
}

// Check is a state file, or a /verify, or both.
type Check struct {
	TicketHeaders []string // session.ticket_headers, for /verify; the state file knows them

	handle *C.kaimen_check
	verify *url.URL
	client *http.Client
}

// Open takes a state file, which need not be there yet, and the address of a node's /verify, http://… or https://…; either may be "".
func Open(state, verify string) (*Check, error) {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // tickets go nowhere else
	check := &Check{client: &http.Client{Timeout: timeout, CheckRedirect: stay}}
	if verify != "" {
		parsed, err := url.Parse(verify)
		if err != nil {
			return nil, err
		}
		if (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
			return nil, errors.New("kaimen: verify must be http://… or https://…")
		}
		check.verify = parsed
	}
	if state == "" {
		return check, nil
	}
	if C.kaimen_check_abi() != C.KAIMEN_CHECK_ABI {
		return nil, errors.New("kaimen: another version of libkaimen_check")
	}
	path := C.CString(state)
	defer C.free(unsafe.Pointer(path))
	if failed := C.kaimen_check_open(path, &check.handle); failed != 0 {
		return nil, syscall.Errno(failed)
	}
	return check, nil
}

// Close ends it; no check may be under way.
func (check *Check) Close() {
	C.kaimen_check_close(check.handle)
	check.handle = nil
}

// Request checks what a request's headers present.
func (check *Check) Request(headers http.Header, wanted Wanted) Answer {
	answer := Answer{Status: 503, Unsure: "no state file"}
	if check.handle != nil {
		answer = check.inside(headers, wanted)
	}
	if answer.Status == 503 && check.verify != nil {
		return check.ask(headers, wanted)
	}
	return answer
}

var ticketHeaders = []string{"Authorization", "X-Kaimen-Ticket", "Cookie", "X-Wx-Skey"}

func (check *Check) inside(headers http.Header, wanted Wanted) Answer {
	var texts []byte
	sizes := []C.size_t{}
	for name, all := range headers { // the state file says which may carry a ticket
		for _, value := range all {
			texts = append(append(texts, name...), value...)
			sizes = append(sizes, C.size_t(len(name)), C.size_t(len(value)))
		}
	}
	texts, sizes = append(texts, 0), append(sizes, 0)
	options := [4]*C.char{}
	for i, text := range []string{wanted.AppID, wanted.Project, wanted.Role, wanted.Env} {
		options[i] = C.CString(text)
		defer C.free(unsafe.Pointer(options[i]))
	}
	var who C.kaimen_identity
	status := C.check_request(check.handle, (*C.char)(unsafe.Pointer(&texts[0])), &sizes[0], C.size_t(len(sizes)/2), options[0], options[1], options[2],
		options[3], flag(wanted.Registered), flag(wanted.Optional), &who)
	answer := Answer{Status: int(status)}
	switch {
	case status == 401:
		answer.Reason = C.GoString(C.kaimen_reason_name(C.int(who.reason)))
	case status == 503:
		answer.Unsure = C.GoString(C.kaimen_unsure_text(C.int(who.unsure)))
	case who.identified != 0:
		answer.User, answer.Session, answer.AppID = C.GoString(&who.user[0]), C.GoString(&who.session[0]), C.GoString(&who.app_id[0])
		answer.OpenID, answer.UnionID, answer.ExternalID = C.GoString(who.openid), C.GoString(who.unionid), C.GoString(who.external_id)
		answer.Roles, answer.Env = roles(C.GoString(who.roles)), C.GoString(&who.env[0])
		answer.Registered, answer.Expires = who.registered != 0, int64(who.expires)
	}
	return answer
}

func (check *Check) ask(headers http.Header, wanted Wanted) Answer {
	target := *check.verify
	options := url.Values{}
	for name, value := range map[string]string{"app_id": wanted.AppID, "project": wanted.Project, "role": wanted.Role, "env": wanted.Env} {
		if value != "" {
			options.Set(name, value)
		}
	}
	for name, value := range map[string]bool{"registered": wanted.Registered, "optional": wanted.Optional} {
		if value {
			options.Set(name, "true")
		}
	}
	target.RawQuery = options.Encode()
	request, err := http.NewRequest(http.MethodGet, target.String(), nil)
	if err != nil {
		return Answer{Status: 503, Unsure: err.Error()}
	}
	for _, name := range append(ticketHeaders, check.TicketHeaders...) {
		name = http.CanonicalHeaderKey(name)
		if values := headers[name]; len(values) != 0 {
			request.Header[name] = values
		}
	}
	response, err := check.client.Do(request)
	if err != nil {
		return Answer{Status: 503, Unsure: "/verify cannot be reached"}
	}
	response.Body.Close()
	given := func(name string) string { return response.Header.Get("X-Kaimen-" + name) }
	switch response.StatusCode {
	case 401:
		return Answer{Status: 401, Reason: given("Reason")}
	case 403:
		return Answer{Status: 403}
	case 204:
		if given("User") == "" && !wanted.Optional {
			return Answer{Status: 503, Unsure: "/verify names nobody"} // somebody else's 204
		}
		if given("Actor") != "" {
			return Answer{Status: 403} // a support view, refused as inside
		}
		expires, _ := strconv.ParseInt(given("Expires"), 10, 64)
		return Answer{Status: 204, User: given("User"), Session: given("Session"), AppID: given("App"), OpenID: given("Openid"), UnionID: given("Unionid"),
			ExternalID: given("External-Id"), Roles: roles(given("Roles")), Env: given("Env"), Registered: given("Registered") == "true", Expires: expires}
	default:
		return Answer{Status: 503, Unsure: "/verify answers " + response.Status}
	}
}

func roles(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func flag(value bool) C.int {
	if value {
		return 1
	}
	return 0
}
