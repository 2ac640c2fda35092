// Calls of WeChat's API for backends: the access_token for those that call WeChat themselves, and the proxy for those that need not.
#pragma once

#include "api/call.h"

namespace kaimen::api {

Answer show_access_token(Call& call, const core::Caller& caller);
Answer reject_access_token(Call& call, const core::Caller& caller);
Answer call_wechat(Call& call, const core::Caller& caller);

/// The proxy's counters, as Prometheus reads them.
void add_proxy_counts(const core::Proxy& proxy, std::string& text);

/// Whether this head is that of a call to pass on, by somebody who may: only then is its body worth the memory.
bool may_call_wechat(const http::Request& head, core::Services& services, Surface surface);

}  // namespace kaimen::api
