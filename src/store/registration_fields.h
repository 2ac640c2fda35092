// What a user has given at registrations, as it is kept: one JSON object of texts for all apps of the project, of which each asks for some.
#pragma once

#include "core/account_store.h"

namespace kaimen::store {

/// `kept` (empty: nothing) with these put in, or taken away where there is no text; empty: nothing is left. Errors: invalid_request (more than
/// kRegistrationBytes), internal (what is kept is no object of texts).
Result<std::string> with_fields(std::string_view kept, const core::RegistrationFields& fields);
/// `kept`, and of `others` what it has not, if that fits. Error: internal, as above.
Result<std::string> joined_fields(const std::string& kept, std::string_view others);

}  // namespace kaimen::store
