// Users as the team's own systems see them: external ids and roles, and finding users by whatever names them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "core/directory_store.h"
#include "core/live.h"
#include "core/trace.h"
#include "crypto/vault.h"

namespace kaimen::core {

inline constexpr size_t kRoles = 32;       ///< Of one user, at most.
inline constexpr size_t kRoleBytes = 64;   ///< Of one role.
/// Of all of a user's roles with the commas between them: what a ticket has room for beside openid, unionid and external id.
inline constexpr size_t kRolesBytes = check::kTicketFieldMax - 3 * limits::kSubjectBytes;

/// 0 to 128 printable ASCII characters without blanks: an external id, an openid, a unionid.
bool is_subject(std::string_view text);
/// "+8613800000000".
bool is_phone(std::string_view text);
/// A set of roles in the one order that it is kept in. Error: invalid_request (a role's name, or too many).
Result<std::vector<std::string>> checked_roles(std::vector<std::string> roles);

/// Whom to find. At most one of `ids`, `external_id`, `app` with `openid`, `unionid` and `phone` is given; none: all users.
struct UserSearch {
  std::string project;                   ///< Empty: any.
  std::optional<std::vector<Id>> ids;
  std::optional<std::string> external_id, unionid;
  AppPtr app;                            ///< With `openid`; null: whichever it is.
  std::string openid;
  std::optional<std::string> phone;      ///< With country code: "+8613800000000".
  std::optional<Id> after;
  size_t limit = 50;
};

class Directory {
 public:
  Directory(DirectoryStore& store, const crypto::Vault& vault, Live& live) : store_(store), vault_(vault), live_(live) {}

  /// Empty: none any more. Checks say `renew` to the tickets that are out before this is answered; what is so already changes nothing.
  /// Errors: invalid_request (not 1 to 128 printable ASCII characters without blanks), not_found, conflict (another user of the project has
  /// it).
  Task<Result<User>> set_external_id(Id user, std::string external_id, Trace* trace);
  /// The same for the user's roles, which are a set. Errors: invalid_request (a role's name, or too many), not_found.
  Task<Result<User>> set_roles(Id user, std::vector<std::string> roles, Trace* trace);

  /// By id. Error: invalid_request (`phone` is no number with country code).
  Task<Result<UserPage>> find(UserSearch search);
  /// Error: not_found.
  Task<Result<FoundUser>> find(Id user);

 private:
  Task<Result<UserPage>> find_in_each_app(UserSearch search);

  DirectoryStore& store_;
  const crypto::Vault& vault_;
  Live& live_;
};

}  // namespace kaimen::core
