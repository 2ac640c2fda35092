// What a check demands beside a good ticket.
#pragma once

#include <optional>
#include <string_view>

#include "check/ticket.h"

namespace kaimen::check {

struct Wanted {
  std::string_view app_id{}, project{}, role{};  ///< Empty: any.
  std::optional<Env> env{};
  bool registered = false;
};

/// Whether one of `roles`, comma-separated, is `wanted`.
bool has_role(std::string_view roles, std::string_view wanted);
/// nullopt: there is no environment of that name.
std::optional<Env> env_named(std::string_view name);
/// "release", "trial", "develop"; "release" for what is none of these.
std::string_view env_name(Env env);

/// Whether a good ticket of this app fits.
bool fits(const Claims& claims, std::string_view app_id, std::string_view project, const Wanted& wanted);

}  // namespace kaimen::check
