// Rows of the SQLite schema as domain values, and the small writes that several acts share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/store.h"
#include "store/writer.h"

namespace kaimen::store {

/// Stored in users.state; do not change.
enum class UserState : uint8_t { active = 0, disabled = 1, deleted = 2 };

struct UserRow {
  core::User user;
  UserState state = UserState::active;
};

/// A revocation of this kills every generation.
inline constexpr uint32_t kAllGenerations = 0xffffffff;

std::string join(const std::vector<std::string>& items);
std::vector<std::string> split(std::string_view text);

/// Deleted users are found too. Nullopt: no such row.
Result<std::optional<UserRow>> read_user(Database& db, const Id& id);
Result<std::optional<core::Session>> read_session(Database& db, const Id& id);
/// The user's sessions that have not been ended (they may have run out), oldest first.
Result<std::vector<core::Session>> read_open_sessions(Database& db, const Id& user);
inline bool is_live(const core::Session& session, Time now) {
  return !session.ended && now < session.idle_expires_at && now < session.absolute_expires_at;
}
/// How long a session is kept after its end, for "why was I logged out".
inline constexpr auto kSessionsKept = std::chrono::days(30);
/// What sessions.purge_day says for a session that ends, by itself or not, at `end`.
int64_t purge_day(Time end);

/// Counts the user's version up, if the user is active; a disablement whose time has passed is lifted. False: nothing was written.
Result<bool> touch_active_user(Database& db, const Id& id, Time now);
/// Counts the version up whatever the user's state: sessions can always be ended.
Result<> touch_user(Database& db, const Id& id);
/// forbidden, with reason, until and message.
Error user_refusal(const UserRow& row);

/// Marks the session ended and adds the revocation of all its tickets, to the table and to `made`.
Result<> end_one(Database& db, const Id& session, Reason reason, Time now, Time until, std::vector<core::Revocation>& made);
Result<> revoke(Database& db, const core::Revocation& revocation, std::vector<core::Revocation>& made);

/// Stored by kind in events; do not rename.
struct Event {
  std::string_view kind;
  std::optional<uint32_t> app{};
  std::optional<Id> user{}, session{};
  Reason reason = Reason::none;
  std::string_view request_id{};
};
Result<> write_event(ActContext& context, Time now, const Event& event);

}  // namespace kaimen::store
