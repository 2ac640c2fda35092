// /mina_auth/: what backends with a server kit of wafer v1 ask its session server, on the private listener and for whoever may check. One
// address, the interface in the body, HTTP 200 and a returnCode in the answer. The original could be given another database and another
// appid by anybody (initdata): here it cannot, and it decrypts nothing, which the original tried and never could.
#pragma once

#include "api/call.h"

namespace kaimen::api {

/// POST /mina_auth/: {version, componentName, interface: {interfaceName, para}}, with qcloud.cam.id_skey and qcloud.cam.auth.
Answer mina_auth(Call& call);
/// Their refusals: HTTP 200 and the original's number, but the error's own status before an app was found, and 5xx where this node cannot.
http::Response mina_refusal(const Call& call, const Error& error);

}  // namespace kaimen::api
