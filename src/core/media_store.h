// Avatars, and what WeChat says about users of its own accord: pushes, and session_keys it renews. One of the ports of the store
// (core/store.h has the rules of all).
#pragma once

#include "core/store.h"

namespace kaimen::core {

/// Who a push is about, and what names it: a push that comes again has no second effect.
struct PushSubject {
  std::string provider, app_id, openid;
  std::string once;  ///< 32 raw bytes.
};
enum class PushEffect : uint8_t {
  applied,
  repeated,  ///< It was applied before.
  nobody,    ///< No user has this identity: nothing to apply it to, and nothing was kept of it.
};

struct WithdrawProfile {
  PushSubject subject;
  bool nickname = false, avatar = false, phone = false;  ///< What the user has no longer.
  std::string default_nickname;
  Time now{};
  Source source;
};

struct CloseIdentity {
  PushSubject subject;
  uint32_t app = 0;
  std::string default_nickname;
  Time now{}, revocations_until{};
  Source source;
};
struct ClosedIdentity {
  PushEffect effect = PushEffect::nobody;
  bool user_deleted = false;
  std::vector<Revocation> revocations;  ///< Put them in memory before answering.
};

struct KeepSessionKey {
  std::string provider, app_id, openid;
  std::string key_sealed, key_index;  ///< As in RecordLogin.
  std::vector<std::string> older_key_indexes;
  Time now{};
  Source source;
};

/// An avatar that was uploaded, and whether it is shown before WeChat has looked at it.
struct KeepAvatar {
  Id user;
  std::string hash;  ///< SHA-256 of the body, 32 raw bytes.
  std::string type, body;
  bool wait_for_check = false;  ///< It becomes the user's avatar when a check passes it.
  Time now{};
  Source source;
};
struct KeptAvatar {
  User user;
  bool shown = false;  ///< It is the user's avatar now.
};
struct Avatar {
  std::string type, body;
  bool waiting = false;  ///< For its check: shown to nobody but to WeChat.
};
/// WeChat was asked about a user's newest upload.
struct NoteAvatarCheck {
  std::string trace_id;
  std::string hash;
  Id user;
  uint32_t app = 0;
  Time now{};
};
struct SettleAvatarCheck {
  std::string trace_id, once;
  uint32_t app = 0;
  std::optional<bool> good;  ///< nullopt: WeChat could not check it.
  Time now{};
  Source source;
};

/// WeChat thinks ill of a name that was let through: an event, so that the team can look.
struct ReportName {
  Id user;
  uint32_t app = 0;
  Time now{};
  Source source;
};

class MediaStore {
 public:
  virtual ~MediaStore() = default;

  /// Takes from the user what the platform says is withdrawn, with an event.
  virtual Task<Result<PushEffect>> withdraw_profile(WithdrawProfile act) = 0;
  /// The platform's account behind an identity is closed: the user's personal data go, the identity goes with its session_keys, its sessions
  /// in this app end (`deleted`). A user who cannot come in by any other identity or password is deleted, and all sessions with them.
  virtual Task<Result<ClosedIdentity>> close_identity(CloseIdentity act) = 0;
  /// A session_key that WeChat made outside of a login, as the newest version (the last 3 are kept). Error: not_found.
  virtual Task<Result<>> keep_session_key(KeepSessionKey act) = 0;
  /// Takes the place of the user's other uploads that wait. Errors: not_found; content_rejected (with wait_for_check: rejected before).
  virtual Task<Result<KeptAvatar>> keep_avatar(KeepAvatar act) = 0;
  /// Error: not_found (also what was rejected).
  virtual Task<Result<Avatar>> find_avatar(std::string hash) = 0;
  /// Error: not_found (the upload is gone, or is not the user's newest any more: then nobody waits for the answer).
  virtual Task<Result<>> note_avatar_check(NoteAvatarCheck act) = 0;
  /// A good avatar that waited becomes the user's, a bad one is not served any more. `nobody`: no such check of this app.
  virtual Task<Result<PushEffect>> settle_avatar_check(SettleAvatarCheck act) = 0;
  /// Error: not_found.
  virtual Task<Result<>> report_name(ReportName act) = 0;
};

}  // namespace kaimen::core
