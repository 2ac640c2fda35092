#include "store/reseal.h"

#include <charconv>

#include "base/encoding.h"
#include "store/pager.h"

namespace kaimen::store {

namespace {

using core::Reseal;
using core::ResealedPage;

// ---- what is sealed, under which purpose, and as whose (crypto/vault.h) ----

/// One row's values, one after the other.
class Values {
 public:
  explicit Values(const Reseal& reseal) : reseal_(reseal) {}

  Result<> seal(std::string_view purpose, std::string_view row, std::optional<Bytes>& value, std::optional<Bytes>* index = nullptr) {
    if (!value || value->raw.empty()) return ok();
    TRY(auto made, reseal_(purpose, row, value->raw));
    if (!made) return ok();
    changed_ = true;
    value->raw = std::move(made->sealed);
    if (index) *index = Bytes{std::move(made->index)};
    return ok();
  }
  Result<> seal(std::string_view purpose, std::string_view row, Bytes& value) {
    std::optional<Bytes> one(std::move(value));
    auto done = seal(purpose, row, one);
    value = std::move(*one);
    return done;
  }
  bool changed() const { return changed_; }

 private:
  const Reseal& reseal_;
  bool changed_ = false;
};

Result<> seal_all(AppTableRow& row, Values& values) {
  TRY(values.seal("app_secret", row.app_id, row.secret_sealed));
  TRY(values.seal("app_secret", row.app_id, row.old_secret_sealed));
  return values.seal("push", row.app_id, row.push_sealed);
}
Result<> seal_all(ResolveSecretRow& row, Values& values) { return values.seal("resolve", std::to_string(row.number), row.secret_sealed); }
Result<> seal_all(AppSigningRow& row, Values& values) { return values.seal("signing", std::to_string(row.number), row.keys_sealed); }
Result<> seal_all(AccessTokenTableRow& row, Values& values) { return values.seal("access_token", row.app_id, row.token_sealed); }
Result<> seal_all(TicketKeyTableRow& row, Values& values) {
  std::string id;
  for (int shift = 24; shift >= 0; shift -= 8) id += static_cast<char>(row.id >> shift & 0xff);
  return values.seal("ticket_key", id, row.key_sealed);
}
Result<> seal_all(WebhookRow& row, Values& values) { return values.seal("webhook", row.id.raw(), row.secret_sealed); }
Result<> seal_all(UserRow& row, Values& values) { return values.seal("phone", row.id.raw(), row.phone_sealed, &row.phone_index); }
Result<> seal_all(IdentityRow& row, Values& values) {
  const std::string whose = row.app_id + '\0' + row.subject;
  TRY(values.seal("session_key", whose, row.key1, &row.index1));
  TRY(values.seal("session_key", whose, row.key2, &row.index2));
  return values.seal("session_key", whose, row.key3, &row.index3);
}
Result<> seal_all(ComponentTicketRow& row, Values& values) { return values.seal("component_ticket", row.app_id, row.ticket_sealed); }
Result<> seal_all(AuthorizationTableRow& row, Values& values) { return values.seal("refresh_token", row.app_id, row.refresh_sealed); }
using SealedTables = TableList<TicketKeyTableRow, AppTableRow, ResolveSecretRow, AppSigningRow, AccessTokenTableRow, WebhookRow, UserRow, IdentityRow,
                               ComponentTicketRow, AuthorizationTableRow>;

// ---- a page ----

/// Whose row has to be touched by whoever changes this one; null: the row has a guard itself, or nobody else changes it.
template <class Row>
const Id* owner_of(const Row&) {
  return nullptr;
}
template <>
const Id* owner_of(const IdentityRow& row) {
  return &row.user;
}

template <class Row>
const PagedTable& paged() {
  return *std::ranges::find(paged_tables(), &kTable<Row>, &PagedTable::info);
}

/// Where a page ends: the table's place in SealedTables, and the last row's key.
struct Place {
  size_t table = 0;
  std::string key;  // key_text; empty: before the first row
};
std::string text_of(const Place& place) { return std::to_string(place.table) + "." + to_hex(place.key); }
std::optional<Place> parse_place(std::string_view text) {
  Place place;
  if (text.empty()) return place;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), place.table);
  if (error != std::errc{} || end == text.data() + text.size() || *end != '.' || place.table >= count_of(SealedTables{})) return std::nullopt;
  const auto key = from_hex(text.substr(static_cast<size_t>(end - text.data()) + 1));
  if (!key) return std::nullopt;
  place.key = *key;
  return place;
}

/// The cells of a key_text that came from outside. False: it is none of this table.
bool read_place(const TableInfo& table, std::string_view text, std::vector<Cell>& cells) {
  if (text.empty()) return true;
  size_t at = 0;
  for (size_t i = 0; i < table.keys; ++i) {
    const bool number = table.columns[i].kind == Kind::integer;
    const size_t head = number ? 8 : 4;
    if (text.size() - at < head) return false;
    size_t size = 0;
    for (size_t b = 0; b < head; ++b) size = size << 8 | static_cast<uint8_t>(text[at + b]);
    at += head;
    if (number) continue;
    if (text.size() - at < size) return false;
    at += size;
  }
  if (at != text.size()) return false;
  for (size_t i = 0; i < table.keys; ++i) cells.push_back(Cell{table.columns[i].kind});
  read_key_text(text, cells);
  return true;
}

template <class Row>
Result<std::string> seal_page(Rows& rows, const core::ResealPage& act, const std::string& behind, ResealedPage& page) {
  std::vector<Cell> key;
  if (!read_place(kTable<Row>, behind, key)) return make_error(ErrorCode::invalid_request, "this is no place to go on from");
  const PageScan scan = page_behind(paged<Row>(), key, rows.compares_rows(), act.rows);
  TRY(const auto found, rows.scan_cells<Row>(*scan.scan, scan.values));
  page.looked_at = found.size();
  std::vector<std::pair<const Row*, Row>> changes;
  for (const Row& row : found) {
    const Row* now = rows.adopt(row);
    if (!now) continue;  // this batch has removed it
    Row changed = *now;
    Values values(act.reseal);
    TRY(seal_all(changed, values));
    if (values.changed()) changes.emplace_back(now, std::move(changed));
  }
  for (const auto& [row, changed] : changes) {
    if (const Id* owner = owner_of(*row)) rows.expect<UserRow>(*owner);
  }
  for (auto& [row, changed] : changes) {
    if (const Id* owner = owner_of(*row)) {
      TRY(const UserRow* user, rows.find<UserRow>(*owner));
      if (user) rows.touch(*user);
    }
    if constexpr (Table<Row>::guarded) {
      const int64_t guard = detail::guard_of(rows.change(*row));
      detail::guard_of(changed) = guard;
    }
    rows.change(*row) = std::move(changed);
    ++page.resealed;
  }
  return found.size() < act.rows ? std::string() : detail::key_of(found.back());
}

using SealPage = Result<std::string> (*)(Rows&, const core::ResealPage&, const std::string&, ResealedPage&);
template <class... Row>
Result<std::string> seal_page_of(size_t table, Rows& rows, const core::ResealPage& act, const std::string& behind, ResealedPage& page, TableList<Row...>) {
  static constexpr SealPage pages[] = {seal_page<Row>...};
  return pages[table](rows, act, behind, page);
}

template <class... Row>
std::vector<std::string_view> names_of(TableList<Row...>) {
  return {kTable<Row>.name...};
}

}  // namespace

std::vector<std::string_view> sealed_tables() { return names_of(SealedTables{}); }

Result<ResealedPage> reseal_page(ActContext& context, const core::ResealPage& act) {
  const auto place = parse_place(act.after);
  if (!place) return make_error(ErrorCode::invalid_request, "this is no place to go on from");
  ResealedPage page;
  TRY(std::string last, seal_page_of(place->table, context.rows, act, place->key, page, SealedTables{}));
  if (!last.empty()) page.next = text_of({place->table, std::move(last)});
  else if (place->table + 1 < count_of(SealedTables{})) page.next = text_of({place->table + 1, {}});
  return page;
}

}  // namespace kaimen::store
