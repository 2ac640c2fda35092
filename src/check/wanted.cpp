#include "check/wanted.h"

#include <iterator>

namespace kaimen::check {

namespace {
constexpr std::string_view kEnvs[] = {"release", "trial", "develop"};
}

bool has_role(std::string_view roles, std::string_view wanted) {
  while (!roles.empty()) {
    const size_t comma = roles.find(',');
    if (roles.substr(0, comma) == wanted) return true;
    if (comma == roles.npos) break;
    roles.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<Env> env_named(std::string_view name) {
  for (size_t i = 0; i < std::size(kEnvs); ++i) {
    if (name == kEnvs[i]) return static_cast<Env>(i);
  }
  return std::nullopt;
}

std::string_view env_name(Env env) {
  const auto place = static_cast<size_t>(env);
  return kEnvs[place < std::size(kEnvs) ? place : 0];
}

bool fits(const Claims& claims, std::string_view app_id, std::string_view project, const Wanted& wanted) {
  return (wanted.app_id.empty() || app_id == wanted.app_id) && (wanted.project.empty() || project == wanted.project) &&
         (!wanted.env || claims.env() == *wanted.env) && (!wanted.registered || claims.registered()) &&
         (wanted.role.empty() || has_role(claims.roles, wanted.role));
}

}  // namespace kaimen::check
