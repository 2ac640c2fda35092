// An app with something in every field.
#pragma once

#include "tests/contract/store_contract.h"

namespace kaimen::contract {

inline core::AppRow app_row(const std::string& app_id, uint32_t number) {
  core::AppRow row;
  row.app_id = app_id;
  row.number = number;
  row.project = "default";
  row.platform = "wechat";
  row.name = "Shop";
  row.secret_sealed = std::string("\x01\0sealed", 8);
  row.old_secret_sealed = "old";
  row.old_secret_until = t0 + 1h;
  row.signing_sealed = std::string("\x02\0signing", 9);
  row.settings = {{"ticket_seconds", "600"}, {"default_nickname", "🧧"}};
  row.upstream = "wechat";
  row.revoked_before = t0 - 1h;
  row.created_at = t0;
  return row;
}

}  // namespace kaimen::contract
