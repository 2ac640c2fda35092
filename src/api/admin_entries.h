// Entry codes: made and looked at by the team, their pictures by everybody.
#pragma once

#include "api/call.h"

namespace kaimen::api {

Answer add_entry_code(Call& call, const core::Caller& caller);
Answer list_entry_codes(Call& call, const core::Caller& caller);
Answer show_entry_code(Call& call, const core::Caller& caller);
Answer show_own_entry_picture(Call& call, const core::Caller& caller);
Answer change_entry_code(Call& call, const core::Caller& caller);
Answer remove_entry_code(Call& call, const core::Caller& caller);
Answer list_entry_scans(Call& call, const core::Caller& caller);
Answer make_entry_link(Call& call, const core::Caller& caller);

/// GET /entry-codes/{hash}. The name follows from the bytes, and those from the code: who knows the one has been shown the other.
Answer show_entry_picture(Call& call);

}  // namespace kaimen::api
