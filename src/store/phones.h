// Whose a phone number is.
#pragma once

#include <vector>

#include "store/act.h"

namespace kaimen::store {

inline constexpr Index<UserRow> kUsersByPhone{{&kTable<UserRow>, {2, 18}, 2}};

/// Users of the project who have the number, but for `self`, deleted ones left out. With `guarded`, no other act that asks so for the same
/// number can be committed beside this one.
Result<std::vector<const UserRow*>> others_with_phone(Rows& rows, const std::string& project, const std::string& phone_index,
                                                          const std::vector<std::string>& older_indexes, const Id& self, bool guarded);

}  // namespace kaimen::store
