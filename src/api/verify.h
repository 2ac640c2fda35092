// GET /verify: who is calling? Answered at once on the event loop: one look at the headers, one check, one prebuilt answer; no store, no
// lock, no log line. It fails closed: an option it does not know refuses everybody.
#pragma once

#include <string>

#include "api/call.h"

namespace kaimen::api {

/// Appends the whole answer to `out`: 204, 401, 403 or 503 and nothing else. False: nothing was appended, for a JWT is asked for (`jwt=`) that
/// has to be signed first; verify_with_jwt() answers.
bool verify(const http::Request& request, core::Services& services, const ApiOptions& options, bool keep_alive, std::string& out);
/// The same answer in its own time: the JWT is signed on another thread, and the ticket judged once more after it.
Task<http::Response> verify_with_jwt(const http::Request& request, core::Services& services, const ApiOptions& options);

/// What the JWT of a good ticket says.
core::JwtSubject jwt_subject(const check::Claims& claims, const std::string& app_id);

/// Whether this peer may check at all: on loopback and unix sockets without a key; from elsewhere with one of scope verify, over TLS or from
/// private.plaintext_from. A key that is given must be good wherever it comes from. `project` is set to what the key is bound to.
bool may_check(const http::Request& request, core::Services& services, const ApiOptions& options, std::string& project);

/// POST /introspect (RFC 7662), from live state.
Answer introspect(Call& call);

}  // namespace kaimen::api
