// WeChat's API signing and encryption around one HTTP exchange: every parameter but the access_token goes into an encrypted, signed body, and
// the answer must be signed by WeChat and open with the same key. Pure functions, no I/O.
#pragma once

#include "core/platform.h"
#include "http/client.h"

namespace kaimen::platform {

/// Whether the app has keys, and its settings list the path of this request ("/wxa/getuserriskrank?…").
bool is_to_be_signed(const core::App& app, std::string_view target);

/// What of a request must be known when its answer comes.
struct SignedCall {
  std::string url;  ///< With scheme and host, without query.
};

/// Makes the request into its signed form: a POST whatever it was. Errors: invalid_request (a body that is no JSON object), unavailable (no
/// randomness), internal.
Result<SignedCall> sign_request(http::ClientRequest& request, const core::App& app, Time now, Random& random);

/// Puts what WeChat meant in the place of the answer's body. An answer that is not signed stays as it is only where it brings nothing but an
/// errcode, or a picture. Failure: upstream_error for a signature, a number, a time or a ciphertext that is not right.
core::CallResult<void> open_signed_answer(http::ClientResponse& answer, const SignedCall& call, const core::App& app, Time now);

}  // namespace kaimen::platform
