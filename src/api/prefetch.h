// WeChat's data pre-fetch: WeChat asks for the client's data while the mini program starts.
#pragma once

#include "api/call.h"

namespace kaimen::api {

Answer make_prefetch_token(Call& call, const Visitor& visitor);
Answer prefetch(Call& call);

}  // namespace kaimen::api
