// A user leaves: sessions end at once; what is personal goes with them or, within a grace, when that is over. Events keep the user's id.
#include <algorithm>

#include "store/accounts.h"
#include "store/avatars.h"
#include "store/records.h"

namespace kaimen::store {

namespace {

constexpr Scan kDueDeletions{&kTable<DeletionRow>, "due_at <= ?", "due_at", true};
// Of those who leave, from where they acted and with what: a history of years is not blanked in one act, which a server would cut off.
constexpr Scan kTracedEvents{&kTable<EventRow>, "user_id = ? AND ip <> ''", "", true};
constexpr Scan kTracedSessions{&kTable<SessionRow>,
                               "user_id = ? AND (openid <> '' OR unionid <> '' OR device_id <> '' OR device_model <> '' OR device_system <> '' "
                               "OR device_platform <> '' OR entry <> '')", "", true};
// Nor is it listed in one: whether there is much of it is asked first.
constexpr Scan kAnyEvents{&kTable<EventRow>, "user_id = ?", "", true};
constexpr Scan kAnySessions{&kTable<SessionRow>, "user_id = ?", "", true};
constexpr int kTracedAtOnce = 1000, kTracedLater = 5000;
static_assert(std::get<4>(Table<EventRow>::columns).name == "user_id");

template <class Row>
Result<> remove_all(Rows& rows, const Index<Row>& index, const Id& user) {
  TRY(const auto found, rows.list(index, user));
  for (const Row* row : found) rows.remove(*row);
  return ok();
}

/// What a session says of the person who had it; that there was one, and why it ended, stays for its time.
constexpr std::string SessionRow::*kTraces[] = {&SessionRow::openid, &SessionRow::unionid, &SessionRow::device_id, &SessionRow::device_model,
                                                &SessionRow::device_system, &SessionRow::device_platform, &SessionRow::entry};
void blank(Rows& rows, const SessionRow& session) {
  if (std::ranges::all_of(kTraces, [&session](const auto trace) { return (session.*trace).empty(); })) return;
  SessionRow& blanked = rows.change(session);
  for (const auto trace : kTraces) (blanked.*trace).clear();
}

/// Blanks at most so many. False: there may be more.
Result<bool> blank_some_sessions(Rows& rows, const Id& user, int most) {
  TRY(const auto found, rows.scan<SessionRow>(kTracedSessions, user, most));
  for (const SessionRow& row : found) {
    const SessionRow* session = rows.adopt(row);
    if (session) blank(rows, *session);
  }
  return found.size() < static_cast<size_t>(most);
}

/// So with events.
Result<bool> blank_some_events(Rows& rows, const Id& user, int most) {
  TRY(const auto found, rows.scan<EventRow>(kTracedEvents, user, most));
  for (const EventRow& row : found) {
    const EventRow* event = rows.adopt(row);
    if (event && !event->ip.empty()) rows.change(*event).ip.clear();
  }
  return found.size() < static_cast<size_t>(most);
}

/// What was left of somebody who is gone.
Result<> blank_rest(Rows& rows, const Id& user) {
  TRY(const DeletionRow* waiting, rows.find<DeletionRow>(user));
  if (!waiting) return make_error(ErrorCode::not_found, "nothing is left");
  TRY(const bool all_events, blank_some_events(rows, user, kTracedLater));
  if (!all_events) return ok();
  TRY(const bool all_sessions, blank_some_sessions(rows, user, kTracedLater));
  if (all_sessions) rows.remove(*waiting);
  return ok();
}

/// The rest is due at once, and done by whoever carries deletions out (blank_rest).
Result<> leave_rest(Rows& rows, const Id& user) {
  TRY(const DeletionRow* waiting, rows.find<DeletionRow>(user));
  if (waiting) rows.change(*waiting).due_at = Time{};
  else rows.insert(DeletionRow{user, Time{}});
  return ok();
}

template <class Row>
Result<bool> are_many(Rows& rows, const Scan& any, const Id& user) {
  TRY(const auto some, rows.scan<Row>(any, user, kTracedAtOnce));
  return some.size() == static_cast<size_t>(kTracedAtOnce);
}

Result<> blank_sessions(Rows& rows, const Id& user) {
  TRY(const bool many, are_many<SessionRow>(rows, kAnySessions, user));
  if (many) {
    TRY(blank_some_sessions(rows, user, kTracedAtOnce));
    return leave_rest(rows, user);
  }
  // Also those of this batch, which no scan sees.
  TRY(const auto sessions, rows.list(kSessionsOfUser, user));
  for (const SessionRow* session : sessions) blank(rows, *session);
  return ok();
}

}  // namespace

Result<> blank_events(Rows& rows, const Id& user) {
  TRY(const bool many, are_many<EventRow>(rows, kAnyEvents, user));
  if (many) {
    TRY(blank_some_events(rows, user, kTracedAtOnce));
    return leave_rest(rows, user);
  }
  // Also those of this batch, which no scan sees.
  TRY(const auto events, rows.list(kEventsOfUser, user));
  for (const EventRow* event : events) {
    if (!event->ip.empty()) rows.change(*event).ip.clear();
  }
  return ok();
}

Result<> erase_user(ActContext& context, const UserRow& user, Time now) {
  Rows& rows = context.rows;
  TRY(release_avatar(context, user, now));
  TRY(remove_all(rows, kIdentitiesOfUser, user.id));
  TRY(remove_all(rows, kUnionidsOfUser, user.id));
  TRY(remove_all(rows, kPasswordsOfUser, user.id));
  TRY(remove_all(rows, kConsentsOfUser, user.id));
  TRY(const RegistrationRow* registration, rows.find<RegistrationRow>(user.id));
  if (registration) rows.remove(*registration);
  TRY(const DeletionRow* waiting, rows.find<DeletionRow>(user.id));
  if (waiting) rows.remove(*waiting);
  TRY(blank_sessions(rows, user.id));
  TRY(blank_events(rows, user.id));
  empty_out(rows.change(user));
  return ok();
}

Result<std::vector<core::Revocation>> delete_user(ActContext& context, const core::DeleteUser& act) {
  Rows& rows = context.rows;
  std::vector<core::Revocation> made;
  if (context.again) {
    TRY(made, revocations_of(rows, act.user));
    TRY(const UserRow* gone, rows.find<UserRow>(act.user));
    if (gone && gone->state == UserState::deleted) return made;
  }
  if (act.only_due) {
    TRY(const UserRow* gone, rows.find<UserRow>(act.user));
    if (gone && gone->state == UserState::deleted) {
      TRY(blank_rest(rows, act.user));
      return made;
    }
  }
  TRY(const UserRow* row, existing_user(rows, act.user));
  if (act.only_due) {
    TRY(const DeletionRow* waiting, rows.find<DeletionRow>(act.user));
    if (!waiting || waiting->due_at > act.now) return make_error(ErrorCode::not_found, "it was taken back");
  }
  // Disabled since the request was let in: by leaving, and coming back, nobody gets rid of that.
  const bool by_user = act.source.actor.empty();
  if (by_user && row->state == UserState::disabled && !is_over(*row, act.now)) return user_refusal(*row);
  TRY(const auto open, rows.list(kOpenSessionsOfUser, act.user));
  UserRow& user = rows.change(*row);
  expect_ends(rows, open);
  for (const SessionRow* session : open) {
    TRY(end_alone(context, *session, Reason::deleted, act.now, act.revocations_until, made));
  }
  const std::string project = user.project;
  if (act.due_at) {
    user.state = UserState::leaving;
    user.disabled_until = act.due_at;
    TRY(const DeletionRow* before, rows.find<DeletionRow>(act.user));
    if (before) rows.change(*before).due_at = *act.due_at;
    else rows.insert(DeletionRow{act.user, *act.due_at});
  } else {
    TRY(erase_user(context, user, act.now));
  }
  // From where somebody left is not kept of those who are gone.
  core::Source source = act.source;
  if (!act.due_at && by_user) source.ip.clear();
  TRY(write_event(context, act.now, {act.due_at ? "user_leaving" : "user_deleted", std::nullopt, act.user, std::nullopt, Reason::deleted, source, project}));
  return made;
}

Result<std::vector<Id>> due_deletions(ActContext& context, Time now, int most) {
  TRY(const auto rows, context.rows.scan<DeletionRow>(kDueDeletions, now, most));
  std::vector<Id> users;
  for (const DeletionRow& row : rows) users.push_back(row.user);
  return users;
}

Result<> take_back(ActContext& context, const UserRow& row, Time now, const core::Source& source) {
  if (row.state != UserState::leaving && !is_over(row, now)) return ok();
  TRY(const DeletionRow* waiting, context.rows.find<DeletionRow>(row.id));
  if (!waiting || waiting->due_at <= now) return ok();
  context.rows.remove(*waiting);
  UserRow& user = context.rows.change(row);
  user.state = UserState::active;
  user.disabled_until.reset();
  user.disabled_message.clear();
  return write_event(context, now, {"user_restored", std::nullopt, user.id, std::nullopt, Reason::none, source, user.project});
}

}  // namespace kaimen::store
