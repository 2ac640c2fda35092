// The rows of avatars and of the checks of them that WeChat has not answered yet. What the columns mean stands in
// migrations/*/0001_first.sql.
#pragma once

#include "store/table.h"

namespace kaimen::store {

/// Stored in avatars.checked; do not change.
enum class AvatarState : uint8_t { unchecked = 0, pending = 1, passed = 2, rejected = 3 };

struct AvatarRow {
  Bytes hash;
  int64_t version = 0;
  std::string type;
  Bytes body;
  AvatarState checked = AvatarState::unchecked;
  Time created_at{};
  std::optional<Time> unused_since;
};
template <>
struct Table<AvatarRow> {
  static constexpr std::string_view name = "avatars";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"hash", &AvatarRow::hash},
      Column{"version", &AvatarRow::version},
      Column{"type", &AvatarRow::type},
      Column{"body", &AvatarRow::body},
      Column{"checked", &AvatarRow::checked},
      Column{"created_at", &AvatarRow::created_at},
      Column{"unused_since", &AvatarRow::unused_since},
  };
};

struct AvatarCheckRow {
  std::string trace_id;
  Bytes hash;
  Id user;
  uint32_t app = 0;
  Time asked_at{};
};
template <>
struct Table<AvatarCheckRow> {
  static constexpr std::string_view name = "avatar_checks";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"trace_id", &AvatarCheckRow::trace_id},
      Column{"hash", &AvatarCheckRow::hash},
      Column{"user_id", &AvatarCheckRow::user},
      Column{"app", &AvatarCheckRow::app},
      Column{"asked_at", &AvatarCheckRow::asked_at},
  };
};

}  // namespace kaimen::store
