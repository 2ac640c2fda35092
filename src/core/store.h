// The store port. Its methods are atomic business acts: each is done wholly and durably when its task yields a value, or not at all. Every
// act is safe to retry: ids and times are chosen by the caller beforehand. One contract suite (tests/contract) holds for every store.
//
// Errors of every act: unavailable (full queue, disk full, I/O error, database gone; nothing was done, unless the line to a database server
// broke around the commit and stayed broken: then it may have been), internal (a bug; nothing was done).
// Others are named where they occur. Thread-safe; call from a task that runs on a Loop.
// Texts hold no zero character (bytes may).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/task.h"
#include "core/types.h"

namespace kaimen::core {

/// Tickets of `session` up to `generation` are dead. Kept until `until` (the end of the last ticket they concern, plus 2 h).
struct Revocation {
  Id session;
  uint32_t generation = 0xffffffff;  ///< 0xffffffff: all.
  Reason reason = Reason::revoked;
  Time until{};
};

// ---- login ----

struct ClaimCode {
  uint32_t app = 0;
  std::string code_hash;  ///< SHA-256 of the code, 32 raw bytes.
  Id owner;               ///< Names this claim; chosen by the caller.
  Time now{};
};
/// What came of an entry code that was brought along.
struct Entrance {
  /// not_found; code_invalid (expired, disabled); code_used (all its uses are); registration_required (scanned, but not for guests).
  std::optional<ErrorCode> refused;
  std::string payload;  ///< Of one that was not refused: a JSON text.
};
/// Whether the user counts as registered in the app (core/registered.h). Runs on the store's thread, perhaps several times.
using IsRegistered = std::function<bool(const User& user)>;

struct LoginRecord {
  User user;
  Session session;
  bool is_new_user = false;
  bool asks_backend = false;            ///< The team's backend is to be asked now (RecordLogin::resolve_mark). Of a code brought again it never is.
  std::string attempt;                  ///< The client's own name of its login attempt, as given at record_login.
  Time recorded_at{};
  std::vector<Revocation> revocations;  ///< That this act made: put them in memory before answering.
  std::optional<Entrance> entrance;     ///< Of RecordLogin::entry_code; nullopt: it was empty.
};
struct CodeClaim {
  enum class Kind : uint8_t {
    claimed,  ///< Nobody else has it: go on. Exactly one caller ever gets this for a code, unless the claim is released.
    pending,  ///< Somebody else is at it, or died at it: never taken over.
    failed,   ///< Settled with an error: `error`.
    done,     ///< A login was recorded with it: `login`, as it stands now (session and user read afresh).
  } kind;
  ErrorCode error = ErrorCode::internal;
  std::optional<LoginRecord> login;
};

/// A phone number as a row keeps it.
struct SealedPhone {
  std::string sealed, index;  ///< As in SavePhone.
};
/// A sealed phone number of the user `from` as one of the user `to`. Runs on the store's thread, perhaps several times. Error: internal.
using MovePhone = std::function<Result<SealedPhone>(const Id& from, const Id& to, const std::string& sealed)>;

struct RecordLogin {
  uint32_t app = 0;
  std::string app_id, project, provider;  ///< provider: "wechat", …
  std::string family;                     ///< Of the providers among which a unionid is one person; empty: only this one.
  std::string code_hash;
  Id owner;                               ///< Of the live claim.
  std::string attempt;
  std::string openid, unionid;            ///< unionid empty: none known.
  std::string session_key_sealed;         ///< Vault purpose "session_key", row = app_id | 0x00 | openid; empty: the platform has none.
  std::string session_key_index;          ///< Vault::index("session_key", key): the same key again is not a new version.
  std::vector<std::string> older_key_indexes;  ///< Vault::older_indexes: the same key, too.
  Id new_user, new_session;               ///< Ids to use where new ones are made.
  std::string default_nickname;
  bool registered = true;                 ///< Whoever logs in is registered by it; else new users are guests.
  bool restore = false;                   ///< A user whose deletion waits is taken back.
  Env env = Env::release;
  Device device;
  std::string entry;                      ///< Session::entry.
  std::string entry_code;                 ///< Scanned with this login; empty: none. At most 32 bytes.
  IsRegistered is_registered;             ///< For the scan; empty: what the user's row says.
  std::string resolve_mark;               ///< Names the identity among those that the team's backend is asked about, 32 raw bytes; empty: it is not.
  std::optional<Id> old_session;          ///< Named by the client's own old ticket: ended quietly if it is this user's, in this app.
  int max_per_user = 0;
  std::optional<Time> spared_since;       ///< Sessions made since then are not replaced by the limit.
  Time now{}, idle_expires_at{}, absolute_expires_at{};
  Time revocations_until{};
  MovePhone move_phone;                   ///< For a merge.
  Source source;
};

// ---- sessions ----

struct RenewSession {
  Id session;
  uint32_t app = 0;
  uint32_t generation = 0;        ///< Of the renew token presented (Session::renew_generation then).
  Time created_after{};           ///< The app's revoked_before: a session created up to it is `revoked`; zero: no limit.
  Time now{}, idle_expires_at{};  ///< New idle end (the store caps it at the absolute one).
  Time revocations_until{};
  Source source;
};
struct Renewal {
  enum class Kind : uint8_t {
    next,    ///< A new generation.
    same,    ///< The previous token within 60 s of the current generation's issue: the current generation again.
    lost,    ///< The previous token later: a new generation; tickets up to the replaced one answer `renew`.
    refused  ///< See reason: the session does not exist (expired), has ended, ran out, its user is disabled, or just ended as `reused`.
  } kind;
  Reason reason = Reason::none;
  std::optional<Session> session;  ///< With next, same, lost.
  std::optional<User> user;
  std::vector<Revocation> revocations;
};

struct EndSession {
  Id session;
  std::optional<Id> user;  ///< If given, a session of another user is not found.
  Reason reason = Reason::logged_out;
  Time now{}, revocations_until{};
  Source source;
};
struct EndSessions {
  Id user;
  std::optional<Id> except;       ///< A session to leave.
  std::optional<uint32_t> app;    ///< Only in this app.
  Reason reason = Reason::revoked;
  Time now{}, revocations_until{};
  Source source;
};
struct SessionView {
  Session session;
  User user;
};

// ---- users ----

struct SaveProfile {
  Id user;
  std::optional<std::string> nickname, avatar_url, language, country, province, city, attributes;
  std::optional<int> gender;
  Time now{};
  Source source;
};
struct SavePhone {
  Id user;
  std::string phone_sealed;
  std::string phone_index;  ///< Vault::index("phone", "+8613800000000").
  std::vector<std::string> older_indexes;  ///< Vault::older_indexes: the same number, too.
  std::string once;         ///< 32 raw bytes naming the ciphertext this came from; a second use is `conflict`. Empty: not checked.
  PhoneUnique unique = PhoneUnique::off;  ///< Whether another user of the project may have the number: refuse is `conflict`, report an event.
  Time now{};
  Source source;
};
/// A user after a change of what tickets carry.
struct ChangedUser {
  User user;
  std::vector<Revocation> revocations;  ///< Of the tickets that are out: put them in memory before answering.
};
struct DisableUser {
  Id user;
  std::optional<Time> until;
  std::string message;
  Time now{}, revocations_until{};
  Source source;
};
/// Two users are one: `other` becomes part of `user`.
struct MergeUsers {
  Id user, other;
  MovePhone move_phone;
  Time now{}, revocations_until{};
  Source source;
};

// ---- apps, keys ----

/// Of an app that logs in through a third-party platform (component_store.h).
struct AuthorizationRow {
  std::string component;    ///< app_id.
  std::string permissions;  ///< Ids of permission sets, comma-separated.
  bool stands = true;       ///< False: the account has taken it back.
  Time authorized_at{};
};

struct AppRow {
  uint64_t version = 0;           ///< Counts changes; the store's. A change must bring the one it read.
  std::string app_id;
  uint32_t number = 0;
  std::string project, platform, name;
  std::string secret_sealed;      ///< Vault purpose "app_secret", row = app_id.
  std::string old_secret_sealed;  ///< Empty: none.
  Time old_secret_until{};
  std::string push_sealed;        ///< Vault purpose "push", row = app_id: Token, a line break, EncodingAESKey; empty: none.
  std::string resolve_sealed;     ///< Vault purpose "resolve", row = number in digits; empty: none.
  std::string signing_sealed;     ///< Vault purpose "signing", row = number in digits: signing_text (core/signing_keys.h); empty: none.
  std::map<std::string, std::string> settings;
  std::string upstream;
  bool disabled = false;
  Time revoked_before{};
  Time created_at{};
  std::optional<AuthorizationRow> authorization;  ///< As read. add_app and change_app leave it alone, but for:
  bool leaves_component = false;  ///< change_app: what is kept of its authorisation goes; it must have been taken back.
  Source source;                  ///< Of the change: for its event.
};

/// What a key is for. Stored in ticket_keys.kind; do not change.
enum class KeyKind : uint8_t { ticket = 0, renew = 1, jwt = 2 };

struct TicketKeyRow {
  uint32_t id = 0;
  KeyKind kind = KeyKind::ticket;
  std::string key_sealed;     ///< Vault purpose "ticket_key", row = id as 4 big-endian bytes. 32 bytes, or of jwt a private key.
  std::vector<uint32_t> apps; ///< Scope; empty: all.
  Time created_at{}, seals_from{};
  bool retired = false;
};

/// A key for the admin API and for checks from afar (kmk_…).
struct AccessKeyRow {
  Id id;
  std::string name;
  std::string hash;                  ///< SHA-256 of the whole key text, 32 raw bytes.
  std::vector<std::string> scopes;   ///< verify, read, write, wechat, admin.
  std::string project;               ///< Empty: bound to none.
  Time created_at{};
  std::optional<Time> last_used_at, revoked_at;
  std::optional<Time> unconfirmed_since{};  ///< Off since the store was restored, until somebody on the machine confirms it.
  Source source{};                   ///< Of its making: for its event.
};

struct AccessTokenRow {
  std::string token_sealed;  ///< Vault purpose "access_token", row = app_id; empty: none yet.
  Time expires_at{}, fetched_at{};
  uint64_t lease = 0;        ///< Number of the last lease given.
  uint32_t app = 0;          ///< Number of the app that has the app_id now, which the token is of; 0: none has.
  std::string upstream;      ///< Of that app.
};

// ---- backup, restore ----

/// How far a copy of the store into a file has come.
struct BackupProgress {
  std::string file;              ///< Beside the store's own; whoever asked for it takes it away.
  uint64_t pages = 0, left = 0;
  bool done = false;             ///< The file is whole, but not yet synced.
};
struct Restored {
  Time at{};          ///< The restore time: whatever was given out until then is good no more.
  uint32_t apps = 0;  ///< Whose sessions ended.
  uint32_t keys = 0;  ///< Access keys that are off.
};

// ---- nodes ----

/// One node's beat: proves that it can write, and brings what others changed.
struct Follow {
  Id node;                ///< Made by the process at its start.
  std::string version;    ///< Of the program.
  std::string newest_migration;  ///< That the program knows; for versions to come, which may have to know who is at work.
  std::string master_keys;       ///< Ids of those it holds, comma-separated; the first seals.
  Time started_at{};
  Time since{};           ///< Revocations stamped after this; zero: all that live.
};
struct Followed {
  Time now{};                          ///< The store's own time.
  int64_t configuration = 0;           ///< Counts changes of apps, ticket keys and access keys.
  std::vector<Revocation> revocations;
  Time last_beat{};                    ///< This node's own beat as it stood in the store before this one; zero: none.
};

class AccountStore;
class ComponentStore;
class DirectoryStore;
class EntryStore;
class JournalStore;
class MediaStore;
class ProjectStore;
class SealStore;
class StatsStore;

class Store {
 public:
  virtual ~Store() = default;

  // ---- the other ports of the same store ----
  virtual AccountStore& accounts() = 0;     ///< Passwords, registration, linked identities, deletion.
  virtual ComponentStore& components() = 0; ///< Third-party platforms, and who has authorised them.
  virtual DirectoryStore& directory() = 0;  ///< Users as the team's own systems see them.
  virtual JournalStore& journal() = 0;      ///< What happened, and who is told.
  virtual MediaStore& media() = 0;          ///< Avatars, and what WeChat pushes about users.
  virtual ProjectStore& projects() = 0;     ///< Tenants: what apps, users, keys and webhooks belong to.
  virtual SealStore& seals() = 0;           ///< Under which master keys the sealed values are, and their sealing anew.
  virtual EntryStore& entries() = 0;        ///< Entry codes and their scans.
  virtual StatsStore& stats() = 0;          ///< What is counted by the hour.

  // ---- nodes ----
  /// Whether other nodes may write to it.
  virtual bool shared() const = 0;
  /// Writes the node's heartbeat (at most once a second) and reads, in one snapshot. Only useful where the store is shared.
  virtual Task<Result<Followed>> follow(Follow act) = 0;
  /// The node writes nothing any more, and nobody has to reckon with it. There need be no such node.
  virtual Task<Result<>> leave(Id node) = 0;

  // ---- login ----
  /// Claims (app, code_hash) for `owner`.
  virtual Task<Result<CodeClaim>> claim_code(ClaimCode act) = 0;
  /// Ends a claim without a login: nullopt forgets it (the code is unspent), an error is answered to whoever brings the code again.
  virtual Task<Result<>> settle_code(uint32_t app, std::string code_hash, Id owner, std::optional<ErrorCode> error) = 0;
  /// User and identity (by openid; else by unionid within the project; else new), a late unionid (tickets of the identity's other sessions answer `renew`; where it
  /// is another user's, the two are merged as by merge_users, and the one whom the unionid names stays; if that is refused, they stay two and an event says why),
  /// the key version (the last 3 kept), the session, the scan of the entry code, quiet end (`renew`) of the same device's or the old ticket's session, the limit (oldest ends as `replaced`), one event.
  /// The team's backend is to be asked at an identity's first login, and while it has not said, at the first that comes as long after the last
  /// question as that came after the first, an hour at most.
  /// Errors: forbidden with reason disabled, until, message; code_used when the claim is not live or not `owner`'s.
  virtual Task<Result<LoginRecord>> record_login(RecordLogin act) = 0;

  // ---- sessions ----
  /// Error: unavailable when the token is newer than the row (the store lags behind).
  virtual Task<Result<Renewal>> renew_session(RenewSession act) = 0;
  /// Ended already: no revocations, no error. Error: not_found.
  virtual Task<Result<std::vector<Revocation>>> end_session(EndSession act) = 0;
  virtual Task<Result<std::vector<Revocation>>> end_sessions(EndSessions act) = 0;
  /// Error: not_found. Ended and expired ones are returned as long as they are kept.
  virtual Task<Result<SessionView>> find_session(Id session) = 0;
  /// Live ones, newest first.
  virtual Task<Result<std::vector<Session>>> list_sessions(Id user, Time now) = 0;
  /// All that live at `now`.
  virtual Task<Result<std::vector<Revocation>>> revocations(Time now) = 0;

  // ---- users ----
  /// Error: not_found.
  virtual Task<Result<User>> find_user(Id user) = 0;
  /// Error: not_found.
  virtual Task<Result<User>> save_profile(SaveProfile act) = 0;
  /// Errors: not_found, conflict (the same ciphertext again; another user has the number and it must be unique).
  virtual Task<Result<User>> save_phone(SavePhone act) = 0;
  /// Ends all the user's sessions as `disabled`, in one act. Error: not_found.
  virtual Task<Result<std::vector<Revocation>>> disable_user(DisableUser act) = 0;
  virtual Task<Result<>> enable_user(Id user, Time now, Source source) = 0;
  /// Makes `other` part of `user`: sessions (their tickets answer `renew`), identities, unionids, password, registration, consents; of phone
  /// and profile what was set last. Errors: not_found; conflict (passwords or external ids of both, other projects, one disabled and the other
  /// waiting for its deletion).
  virtual Task<Result<ChangedUser>> merge_users(MergeUsers act) = 0;
  /// Sealed session_keys of one identity, newest first, at most 3.
  virtual Task<Result<std::vector<std::string>>> session_keys(std::string provider, std::string app_id, std::string openid) = 0;

  // ---- apps, keys ----
  virtual Task<Result<std::vector<AppRow>>> list_apps() = 0;
  /// Error: conflict (app_id or number taken, also by a removed app: numbers are never reused; of wafer_hosts one is another project's).
  virtual Task<Result<>> add_app(AppRow row) = 0;
  /// Replaces all but number, app_id and created_at. Errors: not_found; conflict when the row was changed since it was read, one of its new
  /// wafer_hosts is another project's, its upstream is new and its authorisation of a third-party platform is there (or it is one that others have
  /// authorised), or leaves_component is said of an authorisation that stands.
  virtual Task<Result<>> change_app(AppRow row) = 0;
  /// Errors: not_found; conflict (a third-party platform that apps have authorised). Its number stays taken; its app_id may be added again under
  /// another.
  virtual Task<Result<>> remove_app(std::string app_id, Time now, Source source) = 0;

  virtual Task<Result<std::vector<TicketKeyRow>>> list_ticket_keys() = 0;
  virtual Task<Result<>> add_ticket_key(TicketKeyRow row) = 0;
  virtual Task<Result<>> retire_ticket_keys(Time now, Source source) = 0;   ///< All tickets' keys made so far.
  virtual Task<Result<>> drop_ticket_keys(std::vector<uint32_t> ids) = 0;

  virtual Task<Result<std::vector<AccessKeyRow>>> list_access_keys() = 0;
  /// Errors: conflict; invalid_request (the project it is bound to is gone).
  virtual Task<Result<>> add_access_key(AccessKeyRow row) = 0;
  virtual Task<Result<>> revoke_access_key(Id id, Time now, Source source) = 0;  ///< Error: not_found.
  virtual Task<Result<>> touch_access_keys(std::vector<Id> used, Time now) = 0;
  /// A key that is off since a restore works again. One that works already stays so. Errors: not_found; conflict (it was revoked).
  virtual Task<Result<>> confirm_access_key(Id id, Time now, Source source) = 0;

  // ---- backup, restore ----
  /// Copies some pages more into a file beside the store's, between the acts of others, who are held up for as long as a MiB takes; `anew`
  /// begins. The copy is of the moment of the last step. One that nobody goes on with for a minute is dropped.
  /// Errors: invalid_request (the store is on a database server; none was begun); conflict (the disk has no room, in words); unavailable.
  virtual Task<Result<BackupProgress>> back_up(bool anew) = 0;
  /// To be done to a store that was put back to an earlier state, before a node works on it: whatever was ended since has come back, and nobody
  /// can tell what. In one act, all sessions end, tickets' and JWTs' keys retire, access keys are off until confirmed, and the time is kept.
  /// Errors: invalid_request (nodes are at work on it; what happened in it happened later than now).
  virtual Task<Result<Restored>> note_restore(Source source) = 0;

  // ---- access_token custody ----
  // A removal of the app and a change of its upstream take the token along, and end the lease.
  virtual Task<Result<AccessTokenRow>> access_token(std::string app_id) = 0;
  /// A lease to refresh the token until `until`: its number, greater than any before; nullopt when another's still holds at `now`.
  virtual Task<Result<std::optional<uint64_t>>> lease_access_token(std::string app_id, Id owner, Time now, Time until) = 0;
  /// Ends the lease and stores the token. False when `lease` is not the last one given: nothing was written.
  virtual Task<Result<bool>> save_access_token(std::string app_id, uint64_t lease, std::string token_sealed, Time expires_at, Time now) = 0;
  virtual Task<Result<>> release_access_token(std::string app_id, uint64_t lease) = 0;

  /// Deletes what nobody needs any more: spent codes (10 min), revocations past their until, once-marks (1 day), sessions 30 days past their end
  /// (whole days of them, so up to a day later).
  virtual Task<Result<>> purge(Time now) = 0;
};

}  // namespace kaimen::core
