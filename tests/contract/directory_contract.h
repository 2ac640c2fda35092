// The contract of core/directory_store.h about users, which every store passes too.
#pragma once

#include "core/directory_store.h"
#include "tests/contract/journal_contract.h"

namespace kaimen::contract {

class DirectoryContract : public JournalContract {
 protected:
  Result<core::ChangedUser> set(core::SetExternalId act) { return run_here(store().directory().set_external_id(std::move(act))); }
  Result<core::ChangedUser> set(core::SetRoles act) { return run_here(store().directory().set_roles(std::move(act))); }
  core::UserPage find(core::FindUsers query) { return run_here(store().directory().find_users(std::move(query))).value(); }
  size_t events_of(const std::string& kind) {
    core::ListEvents query;
    query.kind = kind;
    return events(query).events.size();
  }
};

}  // namespace kaimen::contract
