#include "store/rows.h"

namespace kaimen::store {

namespace {

void append_big_endian(std::string& text, uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
}
uint64_t read_big_endian(std::string_view& text, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(text[static_cast<size_t>(i)]);
  text.remove_prefix(static_cast<size_t>(bytes));
  return value;
}

}  // namespace

std::string key_text(std::span<const Cell> cells) {
  std::string text;
  size_t size = 0;
  for (const Cell& cell : cells) size += 8 + cell.text.size();
  text.reserve(size);
  for (const Cell& cell : cells) {
    if (cell.kind == Kind::integer) {
      append_big_endian(text, static_cast<uint64_t>(cell.integer), 8);
    } else {
      append_big_endian(text, cell.text.size(), 4);
      text += cell.text;
    }
  }
  return text;
}

void read_key_text(std::string_view text, std::span<Cell> cells) {
  for (Cell& cell : cells) {
    cell.null = false;
    if (cell.kind == Kind::integer) {
      cell.integer = static_cast<int64_t>(read_big_endian(text, 8));
    } else {
      const size_t size = read_big_endian(text, 4);
      cell.text = text.substr(0, size);
      text.remove_prefix(size);
    }
  }
}

namespace detail {

void append_key_cells(const TableInfo& table, const Lookup& lookup, const std::string& text, std::vector<Cell>& cells) {
  std::array<Cell, 4> values;
  for (size_t i = 0; i < lookup.count; ++i) values[i].kind = table.columns[lookup.columns[i]].kind;
  read_key_text(text, std::span(values).first(lookup.count));
  cells.insert(cells.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(lookup.count));
}

}  // namespace detail

namespace {

template <class... Row>
std::unique_ptr<AnyHeld> make(size_t table, TableList<Row...>) {
  using Make = std::unique_ptr<AnyHeld> (*)();
  static constexpr Make makers[] = {+[]() -> std::unique_ptr<AnyHeld> { return std::make_unique<Held<Row>>(); }...};
  return makers[table]();
}

}  // namespace

std::unique_ptr<AnyHeld> Rows::make_held(size_t table) { return make(table, AllTables{}); }

Result<> Rows::fetch() {
  std::deque<std::vector<Cell>> values;
  std::vector<Read> reads;
  each([&](auto& held) { held.gather(reads, values); });
  if (!reads.empty()) {
    TRY(engine_->read(reads));
  }
  each([](auto& held) { held.fetched(); });
  wanting_ = false;
  return ok();
}

Result<Time> Rows::time() { return remember(engine_->time()); }

void Rows::undo_act() {
  each([](auto& held) { held.undo(); });
}

Result<> Rows::keep_act() {
  bool fits = true;
  each([&fits](const auto& held) { fits = fits && held.fits(); });
  if (!fits) return make_error(ErrorCode::internal, "a value is too large, or a text holds a zero character");
  each([](auto& held) { held.keep(); });
  return ok();
}

std::vector<Write> Rows::writes() {
  std::vector<Write> writes;
  each([&](const auto& held) { held.gather(writes, cells_); });
  return writes;
}

void Rows::clear() {
  each([](auto& held) { held.clear(); });
  cells_.clear();
  wanting_ = false;
  failure_.reset();
}

}  // namespace kaimen::store
