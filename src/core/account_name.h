// Account names and passwords as they are compared (Unicode by ICU).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace kaimen::core {

/// The form in which two spellings of one name are the same: case, width, compatibility forms and invisible characters folded
/// (NFKC_Casefold), blanks around it left out. nullopt: not a name (not UTF-8, empty, more than 64 code points, control characters or line
/// breaks in it). Stored in passwords.name; a newer Unicode must not change it for assigned characters.
std::optional<std::string> canonical_name(std::string_view typed);

/// A password as it is hashed: NFC, so that two keyboards that spell a letter differently type the same. nullopt: not 8 to 128 characters of
/// UTF-8.
std::optional<Secret> canonical_password(const Secret& typed);

}  // namespace kaimen::core
