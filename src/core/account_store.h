// Passwords, registration, linked identities, deletion and export, as one of the ports of the store (core/store.h has the rules of all).
#pragma once

#include <map>
#include <optional>

#include "core/store.h"

namespace kaimen::core {

// ---- passwords ----

/// A user and a session without a platform's code: of `login` everything counts but the identity and the code.
struct RegisterPassword {
  RecordLogin login;
  std::string name, shown_name;  ///< Canonical, and as it was typed.
  std::string hash;              ///< Argon2id's text form.
};
struct PasswordAttempt {
  std::string project, name;
  std::string name_hash;  ///< 32 raw bytes: names project and name without telling them.
  Time now{};
};
struct PasswordChance {
  std::string hash;  ///< Empty: nobody has this name.
};
struct LoginByPassword {
  RecordLogin login;
  std::string name, name_hash;
  std::string hash;  ///< The one that was verified: a password changed since does not let in.
};
struct PasswordName {
  std::string name, shown_name, hash;
};
struct SetPassword {
  Id user, session;              ///< The session stays; the user's others end as `revoked`.
  std::string name, shown_name;  ///< Where the user has none yet.
  std::string hash;
  std::string old_hash;          ///< The one that was verified; empty: there is none.
  std::string name_hash;         ///< Whose failures are forgotten.
  Time now{}, revocations_until{};
  Source source;
};

// ---- identities, phones ----

struct LinkIdentity {
  Id user;
  uint32_t app = 0;
  std::string app_id, provider, family, openid, unionid;  ///< family: under which the platform's unionids stand.
  std::string session_key_sealed, session_key_index;  ///< As in RecordLogin.
  std::vector<std::string> older_key_indexes;
  Time now{}, revocations_until{};
  Source source;
};
/// See Profiles::attach_by_phone.
struct AttachByPhone {
  Id fresh, session;           ///< The user whom a login has just made, and that login's session.
  uint32_t app = 0;
  std::string family;          ///< Under which the platform's unionids stand.
  std::string code_hash;       ///< Of the login.
  std::string phone_index;                 ///< With `older_indexes` as in SavePhone.
  std::vector<std::string> older_indexes;
  int max_per_user = 0;
  std::string once;            ///< As in SavePhone.
  Time now{}, revocations_until{};
  Source source;
};

// ---- registration ----

/// By name; without a text: it is to go.
using RegistrationFields = std::map<std::string, std::optional<std::string>>;
inline constexpr size_t kRegistrationBytes = 32 * 1024;  ///< Of all fields of a user, as they are kept.
struct RegisterUser {
  Id user;
  uint32_t app = 0;
  std::optional<std::string> nickname;
  RegistrationFields fields;          ///< What else there is stays: other apps of the project ask for other fields.
  std::vector<Agreement> agreements;  ///< Agreed to now.
  std::string invitation_hash;        ///< 32 raw bytes; spent when the user becomes registered by this. Empty: none is wanted.
  Time now{}, revocations_until{};
  Source source;
};
struct Invitation {
  std::string code_hash;  ///< SHA-256 of the code, 32 raw bytes.
  uint32_t app = 0;
  int64_t uses = 1;
  Time until{}, now{};
  std::string project;
  Source source;
};

// ---- deletion, export ----

struct DeleteUser {
  Id user;
  std::optional<Time> due_at;  ///< It waits until then; nullopt: at once.
  bool only_due = false;       ///< Only where it has waited and its time has come; else not_found.
  Time now{}, revocations_until{};
  Source source;
};
struct HeldIdentity {
  std::string provider, app_id, subject, tenant, unionid;
  Time created_at{};
};
struct HeldConsent {
  std::string name, version, ip;
  uint32_t app = 0;
  Time agreed_at{};
};
struct HeldEvent {
  Id id;
  Time at{};
  std::string kind;
  std::optional<uint32_t> app;
  std::optional<Id> session;
  Reason reason = Reason::none;
  std::string actor, ip, detail, request_id;
};
struct HeldScan {
  std::string code;
  uint32_t app = 0;
  Id session;
  Time at{};
  bool is_new_user = false, was_registered = false;  ///< As of then.
};
/// All that is kept of one user, but for keys, password hashes, and what is read by pages: sessions, scans, events.
struct HeldUser {
  User user;
  Time profile_at{}, phone_at{};
  std::vector<HeldIdentity> identities;
  std::vector<std::string> unionids;  ///< "provider:unionid".
  std::string account_name;           ///< As it was typed; empty: no password.
  Time password_changed_at{};
  std::vector<HeldConsent> consents;
  std::string registration_fields;    ///< A JSON object; empty: none.
  Time registered_at{};
};
inline constexpr size_t kHeldPage = 1000;
/// A page of what is held of a user, oldest first.
struct HeldBehind {
  Id user;
  Id after{};               ///< The last one of the page before: a scan's session, an event's id.
  size_t limit = kHeldPage;
};

class AccountStore {
 public:
  virtual ~AccountStore() = default;

  /// Error: conflict (the name is taken).
  virtual Task<Result<LoginRecord>> register_password(RegisterPassword act) = 0;
  /// Counts a failure before the password is looked at, so that guesses at the same time do not slip past. Error: rate_limited with
  /// retry_after (too many failures in a row; this one is not counted).
  virtual Task<Result<PasswordChance>> begin_password(PasswordAttempt act) = 0;
  /// Forgets the failures. Errors: unauthenticated (the password is another by now), forbidden as of record_login.
  virtual Task<Result<LoginRecord>> login_by_password(LoginByPassword act) = 0;
  virtual Task<Result<std::optional<PasswordName>>> password_of(Id user) = 0;
  /// Errors: conflict (the name is taken; there is a password by now), forbidden (it is another by now), not_found.
  virtual Task<Result<std::vector<Revocation>>> set_password(SetPassword act) = 0;

  /// Where a unionid becomes known of an identity that is the user's already, tickets of its sessions answer `renew`. Errors: conflict (the
  /// identity or its unionid is another user's), not_found.
  virtual Task<Result<ChangedUser>> link_identity(LinkIdentity act) = 0;
  /// Takes a mark for its caller. Error: code_used (it is taken).
  virtual Task<Result<>> claim_mark(std::string mark, Time now) = 0;
  virtual Task<Result<>> release_mark(std::string mark) = 0;
  virtual Task<Result<std::optional<LoginRecord>>> attach_by_phone(AttachByPhone act) = 0;

  /// Errors: not_found, registration_required (the invitation is not good; nothing was done), invalid_request (more fields than are kept).
  virtual Task<Result<ChangedUser>> register_user(RegisterUser act) = 0;
  virtual Task<Result<>> add_invitation(Invitation act) = 0;

  /// All sessions end as `deleted`. At once: what is personal is gone with it; events keep the user's id. Error: not_found.
  virtual Task<Result<std::vector<Revocation>>> delete_user(DeleteUser act) = 0;
  /// Users whose deletion is due, at most `most`.
  virtual Task<Result<std::vector<Id>>> due_deletions(Time now, int most) = 0;
  /// Error: not_found; so with the pages, of a user who has gone meanwhile.
  virtual Task<Result<HeldUser>> held_of(Id user) = 0;
  /// Ended ones too: those that have not ended first, in each app the oldest. One that ends between two pages may be in both.
  virtual Task<Result<std::vector<Session>>> held_sessions(Id user, std::optional<Session> after, size_t limit) = 0;
  virtual Task<Result<std::vector<HeldScan>>> held_scans(HeldBehind query) = 0;
  virtual Task<Result<std::vector<HeldEvent>>> held_events(HeldBehind query) = 0;
};

}  // namespace kaimen::core
