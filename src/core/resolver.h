// The port to a team's own backend that is asked who somebody is, at an identity's first login, and at later ones until it has answered.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "core/types.h"

namespace kaimen::core {

struct WhoIs {
  AppPtr app;  ///< With its resolve_url and resolve_secret.
  std::string openid, unionid;
  Id user;
  bool is_new_user = false;
  std::string request_id;
};
/// What the backend knows; all of it untrusted.
struct ResolvedUser {
  std::string external_id;  ///< Empty: it knows none.
  std::optional<std::vector<std::string>> roles;
  std::optional<std::string> nickname;
  std::optional<std::string> attributes;  ///< A JSON object as text.
};

class Resolver {
 public:
  virtual ~Resolver() = default;
  /// One call, never repeated. nullopt: it knows nobody. Errors: upstream_error (no answer in time, or not one of the kind), invalid_request
  /// (the address may not be reached).
  virtual Task<Result<std::optional<ResolvedUser>>> ask(WhoIs who, Time now, Deadline deadline) = 0;
};

}  // namespace kaimen::core
