#pragma once

#include "api/call.h"

namespace kaimen::api {

/// POST /v1/me/identities
Answer link_identity(Call& call, const Visitor& visitor);
/// GET /v1/me/registration
Answer show_registration(Call& call, const Visitor& visitor);
/// POST /v1/me/registration
Answer register_me(Call& call, const Visitor& visitor);
/// DELETE /v1/me
Answer delete_me(Call& call, const Visitor& visitor);
/// GET /v1/me/export
Answer export_me(Call& call, const Visitor& visitor);

/// POST /admin/v1/apps/{app_id}/invitations
Answer invite(Call& call, const core::Caller& caller);
/// DELETE /admin/v1/users/{id}
Answer delete_user(Call& call, const core::Caller& caller);

}  // namespace kaimen::api
