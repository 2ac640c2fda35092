// Third-party platforms: links by which apps authorise one, and what comes of them.
#pragma once

#include "api/call.h"

namespace kaimen::api {

Answer make_authorization_link(Call& call, const core::Caller& caller);
Answer take_authorization(Call& call, const core::Caller& caller);
/// Where WeChat sends the administrator's browser back to.
Answer take_authorization_callback(Call& call);

}  // namespace kaimen::api
