#include "store/sql_seals.h"

#include "store/marks.h"
#include "store/records.h"
#include "store/reseal.h"

namespace kaimen::store {

namespace {

using core::MasterKeyState;

constexpr Scan kAlive{&kTable<NodeRow>, "beat_at > ?", "id"};
constexpr Scan kPrograms{&kTable<NodeProgramRow>, "", "node_id"};

Result<std::optional<uint32_t>> key_in(Rows& rows, const char* name) {
  TRY(const MetaRow* row, rows.find<MetaRow>(name));
  if (!row) return std::nullopt;
  return static_cast<uint32_t>(row->value);
}

Result<> save_key(Rows& rows, const char* name, std::optional<uint32_t> key) {
  TRY(const MetaRow* row, rows.find<MetaRow>(name));
  if (row && key) rows.change(*row).value = *key;
  else if (row) rows.remove(*row);
  else if (key) rows.insert(MetaRow{name, 0, *key});
  return ok();
}

Result<MasterKeyState> master_keys(ActContext& context, Millis alive_within) {
  Rows& rows = context.rows;
  rows.expect<MetaRow>(kNextMasterKey);
  MasterKeyState state;
  TRY(state.settled, key_in(rows, kMasterKey));
  TRY(state.next, key_in(rows, kNextMasterKey));
  TRY(const Time now, rows.time());
  TRY(const auto nodes, rows.scan<NodeRow>(kAlive, Time(now - alive_within)));
  TRY(const auto programs, rows.scan<NodeProgramRow>(kPrograms));
  for (const NodeRow& node : nodes) {
    const auto program = std::ranges::find(programs, node.id, &NodeProgramRow::node);
    state.nodes.push_back({node.id, node.version, program == programs.end() ? "" : program->master_keys});
  }
  return state;
}

Result<bool> set_master_keys(ActContext& context, const MasterKeyState& expected, const MasterKeyState& wanted) {
  Rows& rows = context.rows;
  rows.expect<MetaRow>(kNextMasterKey);
  TRY(const auto settled, key_in(rows, kMasterKey));
  TRY(const auto next, key_in(rows, kNextMasterKey));
  if (context.again && settled == wanted.settled && next == wanted.next) return true;
  if (settled != expected.settled || next != expected.next) return false;
  TRY(save_key(rows, kMasterKey, wanted.settled));
  TRY(save_key(rows, kNextMasterKey, wanted.next));
  return true;
}

}  // namespace

Task<Result<MasterKeyState>> SqlSeals::master_keys(Millis alive_within) {
  return queue_.read<MasterKeyState>([alive_within](ActContext& context) { return store::master_keys(context, alive_within); });
}
Task<Result<bool>> SqlSeals::set_master_keys(MasterKeyState expected, MasterKeyState wanted) {
  return queue_.write<bool>([expected = std::move(expected), wanted = std::move(wanted)](ActContext& context) {
    return store::set_master_keys(context, expected, wanted);
  });
}
Task<Result<core::ResealedPage>> SqlSeals::reseal(core::ResealPage act) {
  return queue_.write<core::ResealedPage>([act = std::move(act)](ActContext& context) { return reseal_page(context, act); });
}

}  // namespace kaimen::store
