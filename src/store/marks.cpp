#include "store/marks.h"

#include "store/rows.h"
#include "store/transaction.h"

namespace kaimen::store {

namespace {

constexpr Mark kMarks[] = {Mark::moved, Mark::copying};

Result<std::optional<MetaRow>> read_row(Engine& engine, std::string_view name) {
  std::optional<MetaRow> row;
  const Cell key{Kind::text, false, 0, name};
  const Read read{&kByKey<MetaRow>, {&key, 1}, [&row](std::span<const Cell> cells) { row = row_of<MetaRow>(cells); }};
  TRY(engine.read({&read, 1}));
  return row;
}

}  // namespace

std::string_view name_of(Mark mark) { return mark == Mark::moved ? "moved" : "copying"; }

Result<Marks> read_marks(Engine& engine) {
  Marks marks;
  TRY(in_transaction(engine, false, [&](std::vector<Write>&) -> Result<> {
    for (const Mark mark : kMarks) {
      TRY(const auto row, read_row(engine, name_of(mark)));
      if (row) (mark == Mark::moved ? marks.moved : marks.copying) = from_epoch_ms(row->value);
    }
    return ok();
  }));
  return marks;
}

Result<> set_mark(Engine& engine, Mark mark, Time now) {
  const MetaRow row{std::string(name_of(mark)), 0, epoch_ms(now)};
  const auto cells = detail::cells_of(row);
  return in_transaction(engine, true, [&](std::vector<Write>& changes) -> Result<> {
    TRY(const auto before, read_row(engine, name_of(mark)));
    if (!before) changes.push_back({Write::What::insert, &kTable<MetaRow>, 0, cells, 1});
    return ok();
  });
}

Result<bool> remove_mark(Engine& engine, Mark mark) {
  const Cell key{Kind::text, false, 0, name_of(mark)};
  bool found = false;
  TRY(in_transaction(engine, true, [&](std::vector<Write>& changes) -> Result<> {
    TRY(const auto before, read_row(engine, name_of(mark)));
    if (before) changes.push_back({Write::What::remove, &kTable<MetaRow>, 0, {&key, 1}, 1});
    found = found || before.has_value();
    return ok();
  }));
  return found;
}

Result<> refuse_marked(Engine& engine) {
  TRY(const Marks marks, read_marks(engine));
  if (marks.moved) {
    return make_error(ErrorCode::invalid_request, "it was moved to another database at " + rfc3339(*marks.moved) +
                                                      ": store.url must name that one (or go back: `kaimen migrate --take-back`)");
  }
  if (marks.copying) {
    return make_error(ErrorCode::invalid_request, "a copy into it, begun at " + rfc3339(*marks.copying) +
                                                      ", is not finished: run `kaimen migrate --to` again");
  }
  return ok();
}

Result<MasterKeyMarks> read_master_key_marks(Engine& engine) {
  MasterKeyMarks marks;
  TRY(in_transaction(engine, false, [&](std::vector<Write>&) -> Result<> {
    TRY(const auto settled, read_row(engine, kMasterKey));
    TRY(const auto next, read_row(engine, kNextMasterKey));
    if (settled) marks.settled = static_cast<uint32_t>(settled->value);
    if (next) marks.next = static_cast<uint32_t>(next->value);
    return ok();
  }));
  return marks;
}

}  // namespace kaimen::store
