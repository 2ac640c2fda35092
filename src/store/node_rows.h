// The rows of nodes and of what the store keeps for itself. What the columns mean stands in migrations/*/0001_first.sql; node_programs: 0006.
#pragma once

#include "store/table.h"

namespace kaimen::store {

/// A small number the store keeps for itself.
struct MetaRow {
  std::string name;
  int64_t version = 0;
  int64_t value = 0;
};
template <>
struct Table<MetaRow> {
  static constexpr std::string_view name = "meta";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"name", &MetaRow::name},
      Column{"version", &MetaRow::version},
      Column{"value", &MetaRow::value},
  };
};

/// A node and its last heartbeat.
struct NodeRow {
  Id id;
  std::string version;  // the program's
  Time started_at{}, beat_at{};
};
template <>
struct Table<NodeRow> {
  static constexpr std::string_view name = "nodes";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"id", &NodeRow::id},
      Column{"version", &NodeRow::version},
      Column{"started_at", &NodeRow::started_at},
      Column{"beat_at", &NodeRow::beat_at},
  };
};

/// What a node says of its program.
struct NodeProgramRow {
  Id node;
  std::string newest;       // migration
  std::string master_keys;  // ids, comma-separated; the first seals
};
template <>
struct Table<NodeProgramRow> {
  static constexpr std::string_view name = "node_programs";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"node_id", &NodeProgramRow::node},
      Column{"newest", &NodeProgramRow::newest},
      Column{"master_keys", &NodeProgramRow::master_keys},
  };
};

struct OnceMarkRow {
  Bytes mark;
  Time marked_at{};
};
template <>
struct Table<OnceMarkRow> {
  static constexpr std::string_view name = "once_marks";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"mark", &OnceMarkRow::mark},
      Column{"marked_at", &OnceMarkRow::marked_at},
  };
};

}  // namespace kaimen::store
