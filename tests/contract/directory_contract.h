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
  core::Imported import(std::vector<core::ImportUser> users, Time now = t0 + 1min, bool dry_run = false) {
    core::ImportUsers act;
    act.project = "default";
    act.users = std::move(users);
    act.dry_run = dry_run;
    act.now = now;
    act.revocations_until = now + 4h;
    act.source = {"r9", "192.0.2.1", "key desk"};
    return run_here(store().directory().import_users(std::move(act))).value();
  }
  core::ImportedUser import_one(core::ImportUser user) { return import({std::move(user)}).users.at(0); }
  core::User user_now(const Id& user) { return run_here(store().find_user(user)).value(); }
  size_t events_of(const std::string& kind) {
    core::ListEvents query;
    query.kind = kind;
    return events(query).events.size();
  }
};

}  // namespace kaimen::contract
