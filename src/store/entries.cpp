// Entry codes: made, listed with their counts, changed, removed.
#include "store/entries.h"

#include "store/records.h"

namespace kaimen::store {

namespace {

constexpr Scan kCodesBefore{&kTable<EntryCodeRow>, "app = ? AND id < ?", "id DESC", true};

Error absent() { return make_error(ErrorCode::not_found, "there is no such entry code"); }

Result<const EntryCodeRow*> existing_code(Rows& rows, const std::string& code, uint32_t app) {
  TRY(const EntryCodeRow* row, rows.find<EntryCodeRow>(code));
  if (!row || row->app != app) return absent();
  return row;
}

Result<core::EntryCode> code_of(Rows& rows, const EntryCodeRow& row) {
  core::EntryCode code;
  code.code = row.code;
  code.id = row.id;
  code.app = row.app;
  code.payload = row.payload;
  code.page = row.page;
  code.env = row.env;
  code.admits = row.admits;
  code.uses = row.uses;
  code.expires_at = row.expires_at;
  code.disabled = row.disabled;
  if (row.picture_hash) code.picture_hash = row.picture_hash->raw;
  code.created_at = row.created_at;
  TRY(const auto lanes, rows.list(kCountsOfCode, row.code));
  for (const EntryCountRow* lane : lanes) {
    code.counts.scans += lane->scans;
    code.counts.new_users += lane->new_users;
    code.counts.guests += lane->guests;
  }
  return code;
}

std::string detail_of(const std::string& code) { return R"({"entry_code":")" + code + R"("})"; }

}  // namespace

Result<> add_entry_code(ActContext& context, const core::AddEntryCode& act) {
  Rows& rows = context.rows;
  const core::EntryCode& code = act.code;
  TRY(const EntryCodeRow* before, rows.find<EntryCodeRow>(code.code));
  if (before) return ok();  // 128 random bits: the same act again
  EntryCodeRow row;
  row.code = code.code;
  row.version = 1;
  row.id = code.id;
  row.app = code.app;
  row.payload = code.payload;
  row.page = code.page;
  row.env = code.env;
  row.admits = code.admits;
  row.uses = code.uses;
  row.expires_at = code.expires_at;
  row.disabled = code.disabled;
  row.created_at = code.created_at;
  if (!code.picture_hash.empty()) {
    row.picture_hash = Bytes{code.picture_hash};
    TRY(const EntryPictureRow* known, rows.find<EntryPictureRow>(Bytes{code.picture_hash}));
    if (!known) rows.insert(EntryPictureRow{Bytes{code.picture_hash}, code.code, act.picture.type, Bytes{act.picture.body}});
  }
  rows.insert(std::move(row));
  const std::string detail = detail_of(code.code);
  return write_event(context, code.created_at, {"entry_code_added", code.app, std::nullopt, std::nullopt, Reason::none, act.source, act.project, detail});
}

Result<core::EntryCode> find_entry_code(ActContext& context, const std::string& code, uint32_t app) {
  context.rows.expect(kCountsOfCode, code);
  TRY(const EntryCodeRow* row, existing_code(context.rows, code, app));
  return code_of(context.rows, *row);
}

Result<std::vector<core::EntryCode>> list_entry_codes(ActContext& context, const core::ListEntryCodes& query) {
  Rows& rows = context.rows;
  Id before;
  before.bytes.fill(0xff);
  TRY(const auto found, rows.scan<EntryCodeRow>(kCodesBefore, query.app, query.before.value_or(before), static_cast<int64_t>(query.limit)));
  for (const EntryCodeRow& row : found) rows.expect(kCountsOfCode, row.code);
  std::vector<core::EntryCode> codes;
  for (const EntryCodeRow& row : found) {
    TRY(auto code, code_of(rows, row));
    codes.push_back(std::move(code));
  }
  return codes;
}

Result<core::EntryCode> change_entry_code(ActContext& context, const core::ChangeEntryCode& act) {
  Rows& rows = context.rows;
  rows.expect(kCountsOfCode, act.code);
  TRY(const EntryCodeRow* before, existing_code(rows, act.code, act.app));
  EntryCodeRow& row = rows.change(*before);
  if (act.payload) row.payload = *act.payload;
  if (act.admits) row.admits = *act.admits;
  if (act.disabled) row.disabled = *act.disabled;
  if (act.expires_at) row.expires_at = *act.expires_at;
  if (act.uses) {
    // Scans that were not limited were not counted in this row.
    TRY(const auto now, code_of(rows, row));
    row.used = now.counts.scans;
    row.uses = *act.uses;
  }
  const std::string detail = detail_of(act.code);
  TRY(write_event(context, act.now, {"entry_code_changed", act.app, std::nullopt, std::nullopt, Reason::none, act.source, act.project, detail}));
  return code_of(rows, row);
}

Result<> drop_code(Rows& rows, const EntryCodeRow& code) {
  TRY(const auto lanes, rows.list(kCountsOfCode, code.code));
  for (const EntryCountRow* lane : lanes) rows.remove(*lane);
  if (code.picture_hash) {
    TRY(const EntryPictureRow* picture, rows.find<EntryPictureRow>(*code.picture_hash));
    if (picture && picture->code == code.code) rows.remove(*picture);
  }
  rows.remove(code);
  return ok();
}

Result<> remove_entry_code(ActContext& context, const core::RemoveEntryCode& act) {
  Rows& rows = context.rows;
  rows.expect(kCountsOfCode, act.code);
  TRY(const EntryCodeRow* row, rows.find<EntryCodeRow>(act.code));
  if (!row && context.again) return ok();
  if (!row || row->app != act.app) return absent();
  TRY(drop_code(rows, *row));
  const std::string detail = detail_of(act.code);
  return write_event(context, act.now, {"entry_code_removed", act.app, std::nullopt, std::nullopt, Reason::none, act.source, act.project, detail});
}

Result<core::EntryPicture> find_entry_picture(ActContext& context, const std::string& hash) {
  TRY(const EntryPictureRow* row, context.rows.find<EntryPictureRow>(Bytes{hash}));
  if (!row) return make_error(ErrorCode::not_found, "there is no such picture");
  return core::EntryPicture{row->type, row->body.raw};
}

}  // namespace kaimen::store
