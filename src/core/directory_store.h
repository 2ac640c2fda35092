// Users as the team's own systems see them: found, given external ids and roles; and the sessions that are opened for them beside a
// login. One of the ports of the store (core/store.h has the rules of all).
#pragma once

#include <functional>

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

/// Opens a session in the user's place, for whoever helps them.
struct OpenSupport {
  Id user, new_session;
  uint32_t app = 0;
  std::string provider, app_id;  ///< The session carries the user's first identity of these, if there is one.
  std::string actor;             ///< Session::actor; not empty.
  Time now{}, until{};           ///< It ends then, whatever anybody does.
  Source source;
};

/// What the team's own backend says of somebody whom it had said nothing of before. The profile is the user's own once they have said something of
/// it.
struct ApplyResolved {
  Id user, session;              ///< The session is that of the login under way: its ticket has not been sealed yet.
  std::string mark;              ///< RecordLogin::resolve_mark: this is the answer to it.
  std::string external_id;       ///< Empty: it knows none.
  std::optional<std::vector<std::string>> roles;
  std::optional<std::string> nickname, attributes;
  Time now{}, revocations_until{};
  Source source;
};

/// A phone number sealed as the user's (User::phone_sealed). Runs on the store's thread, perhaps several times. Error: internal.
using SealPhone = std::function<Result<std::string>(const Id& user)>;

/// One user of the team's own table. At least one of external_id, identity and unionid is there. What is not given stays as it is.
struct ImportUser {
  Id new_user;                        ///< Id to use where a new one is made.
  std::string external_id;
  std::optional<IdentityName> identity;
  uint32_t app = 0;                   ///< With identity: its app's number.
  std::string unionid, family;        ///< The family as of RecordLogin.
  std::string phone_index;            ///< Empty: none given.
  std::vector<std::string> older_phone_indexes;  ///< With phone_index: Vault::older_indexes.
  SealPhone seal_phone;
  bool phone_unique = false;          ///< A number that another user of the project has is refused.
  std::optional<std::string> nickname, avatar_url, attributes;
  std::optional<std::vector<std::string>> roles;
  std::optional<bool> registered;
  std::optional<Time> created_at;     ///< Of a new user.
};
struct ImportUsers {
  std::string project;
  std::vector<ImportUser> users;
  bool dry_run = false;               ///< Nothing is kept of it.
  bool tells_webhooks = false;        ///< Of each user who is made or changed.
  Time now{}, revocations_until{};
  Source source;
};
struct ImportedUser {
  enum class Kind : uint8_t { created, updated, unchanged, refused } kind = Kind::unchanged;
  Id user;
  std::string refusal;                ///< Of refused: why, without anything personal.
};
struct Imported {
  std::vector<ImportedUser> users;    ///< As many as were asked for, in their order.
  std::vector<Revocation> revocations;
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
  /// It has no renew token's use: renew_session refuses it. Errors: not_found; forbidden with the reason (the user is not active).
  virtual Task<Result<OpenedSession>> open_support(OpenSupport act) = 0;

  /// All of it or nothing; the session comes back at the generation that its ticket is to be sealed with, tickets of the user's other
  /// sessions answer `renew` where rights changed. Errors: not_found; conflict (the external id is another user's, or the user has another).
  virtual Task<Result<OpenedSession>> apply_resolved(ApplyResolved act) = 0;
  /// The backend has said that it knows nobody by this mark: it is not asked again.
  virtual Task<Result<>> settle_resolve(std::string mark) = 0;
  /// Finds each user by external id, identity and unionid, or makes a new one; the same again changes nothing. Nickname, avatar and
  /// attributes are left alone once the user has said something of themself, a phone number once WeChat has given one. A user who is refused
  /// (named as two users; has another external id; an identity, a unionid or a unique number that is another's) does not hold up the others.
  virtual Task<Result<Imported>> import_users(ImportUsers act) = 0;
};

}  // namespace kaimen::core
