// The rows of what a project asks of its users: passwords, registration, consent, invitations, deletion. What the columns mean stands in
// migrations/*/0001_first.sql.
#pragma once

#include "store/table.h"

namespace kaimen::store {

struct PasswordRow {
  std::string project;
  std::string name;
  Id user;
  std::string shown_name;
  std::string hash;
  Time changed_at{};
};
template <>
struct Table<PasswordRow> {
  static constexpr std::string_view name = "passwords";
  static constexpr size_t keys = 2;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"project", &PasswordRow::project},
      Column{"name", &PasswordRow::name},
      Column{"user_id", &PasswordRow::user},
      Column{"shown_name", &PasswordRow::shown_name},
      Column{"hash", &PasswordRow::hash},
      Column{"changed_at", &PasswordRow::changed_at},
  };
};

struct PasswordFailuresRow {
  Bytes name_hash;
  int64_t version = 0;
  int64_t failures = 0;
  Time failed_at{};
};
template <>
struct Table<PasswordFailuresRow> {
  static constexpr std::string_view name = "password_failures";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"name_hash", &PasswordFailuresRow::name_hash},
      Column{"version", &PasswordFailuresRow::version},
      Column{"failures", &PasswordFailuresRow::failures},
      Column{"failed_at", &PasswordFailuresRow::failed_at},
  };
};

struct RegistrationRow {
  Id user;
  uint32_t app = 0;
  std::string fields;
  Time registered_at{};
};
template <>
struct Table<RegistrationRow> {
  static constexpr std::string_view name = "registrations";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"user_id", &RegistrationRow::user},
      Column{"app", &RegistrationRow::app},
      Column{"fields", &RegistrationRow::fields},
      Column{"registered_at", &RegistrationRow::registered_at},
  };
};

struct ConsentRow {
  Id user;
  std::string name;
  std::string version;
  uint32_t app = 0;
  Time agreed_at{};
  std::string ip;
};
template <>
struct Table<ConsentRow> {
  static constexpr std::string_view name = "consents";
  static constexpr size_t keys = 3;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"user_id", &ConsentRow::user},
      Column{"name", &ConsentRow::name},
      Column{"version", &ConsentRow::version},
      Column{"app", &ConsentRow::app},
      Column{"agreed_at", &ConsentRow::agreed_at},
      Column{"ip", &ConsentRow::ip},
  };
};

struct InvitationRow {
  Bytes code_hash;
  int64_t version = 0;
  uint32_t app = 0;
  int64_t uses_left = 0;
  Time until{};
  Time created_at{};
};
template <>
struct Table<InvitationRow> {
  static constexpr std::string_view name = "invitations";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"code_hash", &InvitationRow::code_hash},
      Column{"version", &InvitationRow::version},
      Column{"app", &InvitationRow::app},
      Column{"uses_left", &InvitationRow::uses_left},
      Column{"until", &InvitationRow::until},
      Column{"created_at", &InvitationRow::created_at},
  };
};

struct DeletionRow {
  Id user;
  Time due_at{};
};
template <>
struct Table<DeletionRow> {
  static constexpr std::string_view name = "deletions";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"user_id", &DeletionRow::user},
      Column{"due_at", &DeletionRow::due_at},
  };
};

}  // namespace kaimen::store
