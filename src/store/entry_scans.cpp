// Who came in by which entry code. A scan is named by the session of its login, so one login is one scan however often it is tried.
#include "store/entries.h"
#include "store/records.h"

namespace kaimen::store {

using core::Entrance;

namespace {

constexpr Scan kScansBefore{&kTable<EntryScanRow>, "code = ? AND session_id < ?", "session_id DESC", true};

Entrance refused(ErrorCode why) { return Entrance{why, {}}; }

/// Why the code lets nobody in at `now`.
std::optional<ErrorCode> closed(const EntryCodeRow* code, uint32_t app, Time now) {
  if (!code || code->app != app) return ErrorCode::not_found;
  if (code->disabled || (code->expires_at && *code->expires_at <= now)) return ErrorCode::code_invalid;
  return std::nullopt;
}

Entrance granted(const EntryCodeRow& code, bool registered) {
  if (code.admits == core::EntryAdmits::registered && !registered) return refused(ErrorCode::registration_required);
  return Entrance{std::nullopt, code.payload};
}

Result<> count(ActContext& context, const std::string& code, const core::EntryCounts& more) {
  TRY(const EntryCountRow* lane, context.rows.find<EntryCountRow>(code, context.lane));
  if (!lane) {
    context.rows.insert(EntryCountRow{code, context.lane, 1, more.scans, more.new_users, more.guests});
    return ok();
  }
  EntryCountRow& row = context.rows.change(*lane);
  row.scans += more.scans;
  row.new_users += more.new_users;
  row.guests += more.guests;
  return ok();
}

}  // namespace

void expect_scan(ActContext& context, const std::string& code) {
  context.rows.expect<EntryCodeRow>(code);
  context.rows.expect<EntryCountRow>(code, context.lane);
}

Result<Entrance> record_scan(ActContext& context, const core::RecordLogin& act, const core::LoginRecord& login) {
  Rows& rows = context.rows;
  TRY(const EntryCodeRow* code, rows.find<EntryCodeRow>(act.entry_code));
  if (const auto why = closed(code, act.app, act.now)) return refused(*why);
  if (code->uses && code->used >= *code->uses) return refused(ErrorCode::code_used);
  // Only where there is a limit do all who scan meet in one row.
  if (code->uses) rows.change(*code).used += 1;
  const bool registered = act.is_registered ? act.is_registered(login.user) : login.user.registered;
  TRY(count(context, code->code, {1, login.is_new_user ? 1 : 0, registered ? 0 : 1}));
  rows.insert(EntryScanRow{login.session.id, code->code, act.app, login.user.id, act.now, login.is_new_user, registered});
  const std::string detail = R"({"entry_code":")" + code->code + R"(","registered":)" + (registered ? "true" : "false") + R"(,"is_new_user":)" +
                             (login.is_new_user ? "true}" : "false}");
  TRY(write_event(context, act.now, {"entry_scanned", act.app, login.user.id, login.session.id, Reason::none, act.source, act.project, detail}));
  return granted(*code, registered);
}

Result<std::optional<Entrance>> entrance_of(ActContext& context, const core::AskEntrance& query) {
  Rows& rows = context.rows;
  TRY(const EntryScanRow* scanned, rows.find<EntryScanRow>(query.session));
  if (scanned) {
    TRY(const EntryCodeRow* code, rows.find<EntryCodeRow>(scanned->code));
    TRY(const UserRow* user, rows.find<UserRow>(scanned->user));
    if (const auto why = closed(code, query.app, query.now)) return refused(*why);
    if (!user) return refused(ErrorCode::not_found);
    const core::User now = user_of(*user);
    return granted(*code, query.is_registered ? query.is_registered(now) : now.registered);
  }
  if (query.code.empty()) return std::nullopt;
  TRY(const EntryCodeRow* code, rows.find<EntryCodeRow>(query.code));
  return refused(closed(code, query.app, query.now).value_or(ErrorCode::code_used));
}

Result<std::vector<core::EntryScan>> list_entry_scans(ActContext& context, const core::ListEntryScans& query) {
  Rows& rows = context.rows;
  Id before;
  before.bytes.fill(0xff);
  TRY(const auto found, rows.scan<EntryScanRow>(kScansBefore, query.code, query.before.value_or(before), static_cast<int64_t>(query.limit)));
  for (const EntryScanRow& row : found) rows.expect<UserRow>(row.user);
  std::vector<core::EntryScan> scans;
  for (const EntryScanRow& row : found) {
    core::EntryScan& one = scans.emplace_back(core::EntryScan{row.session, row.user, row.scanned_at, row.is_new_user, row.registered, std::nullopt});
    TRY(const UserRow* user, rows.find<UserRow>(row.user));
    if (user && user->state != UserState::deleted) one.person = user_of(*user);
  }
  return scans;
}

Result<> move_scans(Rows& rows, const Id& from, const Id& to) {
  TRY(const auto scans, rows.list(kScansOfUser, from));
  for (const EntryScanRow* scan : scans) rows.change(*scan).user = to;
  return ok();
}

Result<> hand_over_scan(ActContext& context, const Id& session, const Id& to) {
  TRY(const EntryScanRow* scanned, context.rows.find<EntryScanRow>(session));
  if (!scanned) return ok();
  EntryScanRow& row = context.rows.change(*scanned);
  row.user = to;
  if (!std::exchange(row.is_new_user, false)) return ok();
  return count(context, row.code, {0, -1, 0});
}

}  // namespace kaimen::store
