// The admin API's record: audit, webhooks, and why. A key bound to a project sees and changes only what is of that project.
#pragma once

#include "api/call.h"

namespace kaimen::api {

Answer list_audit(Call& call, const core::Caller& caller);
Answer explain(Call& call, const core::Caller& caller);

Answer add_webhook(Call& call, const core::Caller& caller);
Answer list_webhooks(Call& call, const core::Caller& caller);
Answer show_webhook(Call& call, const core::Caller& caller);
Answer change_webhook(Call& call, const core::Caller& caller);
Answer remove_webhook(Call& call, const core::Caller& caller);
Answer list_deliveries(Call& call, const core::Caller& caller);
Answer replay_delivery(Call& call, const core::Caller& caller);

}  // namespace kaimen::api
