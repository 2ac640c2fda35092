// A node's beat, what it brings, and its end: how nodes that share a database follow each other.
#include <algorithm>

#include "store/acts.h"
#include "store/records.h"

namespace kaimen::store {

namespace {

constexpr auto kBeatEvery = std::chrono::seconds(1);
constexpr auto kLongGone = std::chrono::minutes(10);  // nobody waits for a node that was last heard of then
constexpr Scan kStamped{&kTable<RevocationRow>, "stamped_at > ? AND until > ?", ""};

/// What the node's program says of itself is kept beside its beat.
Result<> save_program(Rows& rows, const core::Follow& act) {
  TRY(const NodeProgramRow* program, rows.find<NodeProgramRow>(act.node));
  if (!program) {
    rows.insert(NodeProgramRow{act.node, act.newest_migration, act.master_keys});
  } else if (program->newest != act.newest_migration || program->master_keys != act.master_keys) {
    NodeProgramRow& changed = rows.change(*program);
    changed.newest = act.newest_migration;
    changed.master_keys = act.master_keys;
  }
  return ok();
}

}  // namespace

Result<core::Followed> follow(ActContext& context, const core::Follow& act) {
  Rows& rows = context.rows;
  rows.expect<MetaRow>("configuration");
  rows.expect<NodeProgramRow>(act.node);
  core::Followed followed;
  TRY(const NodeRow* node, rows.find<NodeRow>(act.node));
  TRY(followed.configuration, configuration(rows));
  TRY(followed.now, rows.time());
  if (!node) {
    rows.insert(NodeRow{act.node, act.version, act.started_at, followed.now});
  } else {
    followed.last_beat = node->beat_at;
    // Never lowered, also where another server's clock is behind: a beat that has gone back means that the database has.
    const bool due = followed.now - node->beat_at >= kBeatEvery || node->beat_at > followed.now;
    if (due) rows.change(*node).beat_at = std::max(followed.now, node->beat_at + Millis(1));
  }
  TRY(save_program(rows, act));
  TRY(const auto stamped, rows.scan<RevocationRow>(kStamped, act.since, followed.now));
  followed.revocations.reserve(stamped.size());
  for (const RevocationRow& row : stamped) followed.revocations.push_back(revocation_of(row));
  return followed;
}

// Its row stays for its time: that a node has been there is how a database that is in use is told from an empty one (copy.cpp).
Result<> leave(ActContext& context, const Id& node) {
  Rows& rows = context.rows;
  TRY(const NodeRow* row, rows.find<NodeRow>(node));
  TRY(const Time now, rows.time());
  if (row) rows.change(*row).beat_at = std::min(row->beat_at, now - kLongGone);
  return ok();
}

}  // namespace kaimen::store
