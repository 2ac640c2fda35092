// Rows as domain values, and the small changes that several acts share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/store.h"
#include "store/act.h"

namespace kaimen::store {

std::string join(const std::vector<std::string>& items);
std::vector<std::string> split(std::string_view text);

core::User user_of(const UserRow& row);
core::Session session_of(const SessionRow& row);
core::Revocation revocation_of(const RevocationRow& row);

inline constexpr Index<SessionRow> kOpenSessionsOfUser{{&kTable<SessionRow>, {1}, 1, "ended = 0"},
                                                       [](const SessionRow& row) { return row.ended == Reason::none; }};
inline constexpr Index<SessionRow> kSessionsOfUser{{&kTable<SessionRow>, {1}, 1}};

inline bool is_live(const SessionRow& session, Time now) {
  return session.ended == Reason::none && now < session.idle_expires_at && now < session.absolute_expires_at;
}
/// Oldest first.
void sort_by_age(std::vector<const SessionRow*>& sessions);

/// How long a session is kept after its end, for "why was I logged out".
inline constexpr auto kSessionsKept = std::chrono::days(30);
/// What sessions.purge_day says for a session that ends, by itself or not, at `end`.
int64_t purge_day(Time end);

/// Error: not_found (deleted users are not found).
Result<const UserRow*> existing_user(Rows& rows, const Id& id);
/// Whether the time of the user's disablement has passed.
inline bool is_over(const UserRow& user, Time now) { return user.state == UserState::disabled && user.disabled_until && *user.disabled_until <= now; }
/// Ends a disablement. Who was leaving when it came still is: only the user takes that back.
Result<> lift_disablement(Rows& rows, const UserRow& user);
/// Nothing is left of the user but that there was one: the row becomes `deleted`.
void empty_out(UserRow& row);
/// Lifts a disablement whose time has passed, and touches the row. False: the user is not active, and nothing was changed.
bool admit(Rows& rows, const UserRow& user, Time now);
/// forbidden, with reason, until and message.
Error user_refusal(const UserRow& row);

/// A revocation of this kills every generation.
inline constexpr uint32_t kAllGenerations = 0xffffffff;
/// Marks the session and its web-views' ended and adds the revocation of all their tickets, to the table and to `made`; of one that has ended
/// nothing. The caller has touched the user.
Result<> end_one(ActContext& context, const SessionRow& session, Reason reason, Time now, Time until, std::vector<core::Revocation>& made);
/// The same but for the web-views: for those who end all of a user's sessions, or all in one app, one by one.
Result<> end_alone(ActContext& context, const SessionRow& session, Reason reason, Time now, Time until, std::vector<core::Revocation>& made);
/// The session, its web-views, and where it is one of those itself, the one it ends with: what stays when all others are ended.
std::vector<Id> family_of(const std::vector<const SessionRow*>& open, const std::optional<Id>& session);
/// Says beforehand that end_one will be called for each of these.
void expect_ends(Rows& rows, const std::vector<const SessionRow*>& sessions);
Result<> revoke(ActContext& context, const core::Revocation& revocation, std::vector<core::Revocation>& made);
/// What the tickets of the user's sessions carry is no longer so: those that are out answer `renew` from now on. Renew tokens stay good. The
/// caller has touched the user.
Result<> outdate_tickets(ActContext& context, const Id& user, Time now, Time until, std::vector<core::Revocation>& made);

/// What has become known of an identity that its user's sessions were opened with.
struct KnownUnionid {
  Id user;
  uint32_t app = 0;
  std::string_view openid, unionid;
};
/// Live sessions of the identity that lack the unionid get it, and their tickets that are out answer `renew`; those that have it stay as they
/// are. The caller has touched the user.
Result<> tell_unionid(ActContext& context, const KnownUnionid& known, Time now, Time until, std::vector<core::Revocation>& made);
/// All revocations of the user's sessions: what an act answers whose first answer was lost, as those it made are among them.
Result<std::vector<core::Revocation>> revocations_of(Rows& rows, const Id& user);

/// Stored by kind in events; do not rename.
struct Event {
  std::string_view kind;
  std::optional<uint32_t> app{};
  std::optional<Id> user{}, session{};
  Reason reason = Reason::none;
  core::Source source{};
  std::string_view project{};
  std::string_view detail{};  ///< A JSON object, or empty. Nothing secret, no personal data.
};
Result<> write_event(ActContext& context, Time now, const Event& event);

/// For who puts something into the project; that and a removal of it, which count the configuration up, must see each other. Error:
/// invalid_request (it is gone).
Result<> expect_project(Rows& rows, const std::string& name);
/// The first id of that moment.
Id first_id_at(Time time);

/// Says to the other nodes that apps or keys have changed.
Result<> count_configuration(Rows& rows);
Result<int64_t> configuration(Rows& rows);

}  // namespace kaimen::store
