// Users as the team's own systems see them: found, given external ids and roles; and the sessions that are opened for them beside a
// login. One of the ports of the store (core/store.h has the rules of all).
#pragma once

#include "core/account_store.h"

namespace kaimen::core {

/// Opens a web-view's session beside that of its mini program.
struct HandOver {
  Id parent, new_session;
  std::string once;          ///< 32 raw bytes naming the code; a second use is `code_used`.
  std::string entry;         ///< Session::entry.
  Time created_after{};      ///< The app's revoked_before: a parent created up to it is `revoked`; zero: no limit.
  Time now{}, idle_expires_at{}, revocations_until{};
  Source source;
};
struct OpenedSession {
  User user;
  Session session;
  std::vector<Revocation> revocations;  ///< Of older web-views that made room: put them in memory before answering.
};

/// What the team's own systems call the user.
struct SetExternalId {
  Id user;
  std::string external_id;   ///< Empty: nothing any more.
  Time now{}, revocations_until{};
  Source source;
};
struct SetRoles {
  Id user;
  std::vector<std::string> roles;  ///< All of them, without commas.
  Time now{}, revocations_until{};
  Source source;
};

/// An identity by its name.
struct IdentityName {
  std::string provider, app_id, subject;
};
/// Of the conditions from `ids` on at most one is set; none: all users.
struct FindUsers {
  std::string project;                       ///< Empty: any.
  std::optional<std::vector<Id>> ids;
  std::optional<IdentityName> identity;
  std::optional<std::string> external_id, unionid, phone_index;
  std::vector<std::string> older_phone_indexes;  ///< With phone_index: Vault::older_indexes.
  std::vector<std::string> families;         ///< Of a unionid: the providers (RecordLogin::family) it may be known under.
  std::optional<Id> after;                   ///< The last one of the page before; users come by id.
  size_t limit = 50;
};
struct FoundUser {
  User user;
  std::vector<HeldIdentity> identities;      ///< Oldest first.
};
struct UserPage {
  std::vector<FoundUser> users;
  std::optional<Id> next;  ///< Where to go on; none: that was all. A page may be short, or empty, where few of many users fit.
};

class DirectoryStore {
 public:
  virtual ~DirectoryStore() = default;

  /// Tickets that are out answer `renew`; what is so already changes nothing. Errors: not_found, conflict (it is another user's).
  virtual Task<Result<ChangedUser>> set_external_id(SetExternalId act) = 0;
  /// The same. Error: not_found.
  virtual Task<Result<ChangedUser>> set_roles(SetRoles act) = 0;
  /// Deleted users are not found.
  virtual Task<Result<UserPage>> find_users(FindUsers query) = 0;

  /// The new session has its parent's app, identity and absolute end, and ends whenever the parent is ended. Of one parent's web-views five
  /// live; the oldest is `replaced`. Errors: code_used; unauthenticated with the reason (the parent has ended or run out, or its user is not
  /// active); forbidden (the parent is itself no session of a login).
  virtual Task<Result<OpenedSession>> hand_over(HandOver act) = 0;
};

}  // namespace kaimen::core
