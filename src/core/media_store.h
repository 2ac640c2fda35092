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
};

}  // namespace kaimen::core
