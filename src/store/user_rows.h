// The rows of users and of who they are elsewhere. What the columns mean stands in migrations/*/0001_first.sql.
#pragma once

#include "store/table.h"

namespace kaimen::store {

/// Stored in users.state; do not change.
enum class UserState : uint8_t { active = 0, disabled = 1, deleted = 2, leaving = 3 };

struct UserRow {
  Id id;
  int64_t version = 0;
  std::string project;
  UserState state = UserState::active;
  std::optional<Time> disabled_until;
  std::string disabled_message;
  bool registered = true;
  std::string agreed;  // like "terms=2,privacy=2026-01"
  std::optional<std::string> external_id;
  std::string nickname, avatar_url;
  std::optional<Bytes> avatar_hash;
  int gender = 0;
  std::string language, country, province, city;
  std::optional<Bytes> phone_sealed, phone_index;
  std::string roles;  // comma-separated
  std::string attributes = "{}";
  Time profile_at{}, phone_at{};
  Time created_at{};
};
template <>
struct Table<UserRow> {
  static constexpr std::string_view name = "users";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"id", &UserRow::id},
      Column{"version", &UserRow::version},
      Column{"project", &UserRow::project},
      Column{"state", &UserRow::state},
      Column{"disabled_until", &UserRow::disabled_until},
      Column{"disabled_message", &UserRow::disabled_message},
      Column{"registered", &UserRow::registered},
      Column{"agreed", &UserRow::agreed},
      Column{"external_id", &UserRow::external_id},
      Column{"nickname", &UserRow::nickname},
      Column{"avatar_url", &UserRow::avatar_url},
      Column{"avatar_hash", &UserRow::avatar_hash},
      Column{"gender", &UserRow::gender},
      Column{"language", &UserRow::language},
      Column{"country", &UserRow::country},
      Column{"province", &UserRow::province},
      Column{"city", &UserRow::city},
      Column{"phone_sealed", &UserRow::phone_sealed},
      Column{"phone_index", &UserRow::phone_index},
      Column{"roles", &UserRow::roles},
      Column{"attributes", &UserRow::attributes},
      Column{"profile_at", &UserRow::profile_at},
      Column{"phone_at", &UserRow::phone_at},
      Column{"created_at", &UserRow::created_at},
  };
};

struct IdentityRow {
  std::string provider, app_id, subject, tenant;
  Id user;
  std::string unionid;
  std::optional<Bytes> key1, key2, key3, index1, index2, index3;  // 1 is the newest
  Time created_at{};
};
template <>
struct Table<IdentityRow> {
  static constexpr std::string_view name = "identities";
  static constexpr size_t keys = 4;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"provider", &IdentityRow::provider},
      Column{"app_id", &IdentityRow::app_id},
      Column{"subject", &IdentityRow::subject},
      Column{"tenant", &IdentityRow::tenant},
      Column{"user_id", &IdentityRow::user},
      Column{"unionid", &IdentityRow::unionid},
      Column{"key1", &IdentityRow::key1},
      Column{"key2", &IdentityRow::key2},
      Column{"key3", &IdentityRow::key3},
      Column{"index1", &IdentityRow::index1},
      Column{"index2", &IdentityRow::index2},
      Column{"index3", &IdentityRow::index3},
      Column{"created_at", &IdentityRow::created_at},
  };
};

/// What the columns mean stands in migrations/*/0008_unresolved.sql.
struct UnresolvedRow {
  Bytes mark;
  Time since{}, again_at{};
};
template <>
struct Table<UnresolvedRow> {
  static constexpr std::string_view name = "unresolved";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"mark", &UnresolvedRow::mark},
      Column{"since", &UnresolvedRow::since},
      Column{"again_at", &UnresolvedRow::again_at},
  };
};

struct UnionidRow {
  std::string project, provider, unionid;
  Id user;
};
template <>
struct Table<UnionidRow> {
  static constexpr std::string_view name = "unionids";
  static constexpr size_t keys = 3;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"project", &UnionidRow::project},
      Column{"provider", &UnionidRow::provider},
      Column{"unionid", &UnionidRow::unionid},
      Column{"user_id", &UnionidRow::user},
  };
};

}  // namespace kaimen::store
