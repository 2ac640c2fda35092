// The command line, one file a family of commands. A command's callback does its work and leaves its exit status in `exit_status`.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/config.h"
#include "app/failure.h"

namespace kaimen::app {

void add_serve_commands(CLI::App& root, int& exit_status);    // serve, sandbox
void add_app_commands(CLI::App& root, int& exit_status);      // app add|list|show|set|remove|rotate-secret|check
void add_component_commands(CLI::App& root, int& exit_status);  // component add|link|adopt|apps
void add_project_commands(CLI::App& root, int& exit_status);  // project add|list|show|set|remove
void add_key_commands(CLI::App& root, int& exit_status);      // key create|list|revoke|confirm, keys retire
void add_session_commands(CLI::App& root, int& exit_status);  // session list|end
void add_user_commands(CLI::App& root, int& exit_status);     // user show|delete
void add_entry_commands(CLI::App& root, int& exit_status);    // entry create|list|show|set|scans|link|remove
void add_import_commands(CLI::App& root, int& exit_status);   // import users
void add_master_key_commands(CLI::App& root, int& exit_status);  // master-key generate|rotate
void add_golive_command(CLI::App& root, int& exit_status);    // golive URL
void add_why_command(CLI::App& root, int& exit_status);       // why ID
void add_operate_commands(CLI::App& root, int& exit_status);  // check, migrate, backup, restore (each below), config, version
void add_migrate_command(CLI::App& root, int& exit_status);
void add_backup_command(CLI::App& root, int& exit_status);    // backup FILE
void add_restore_command(CLI::App& root, int& exit_status);   // restore FILE, restore --database
void add_import_wafer_command(CLI::App& family, int& exit_status);  // of "import"

/// --config FILE and --data DIR: which server is meant.
struct CommonFlags {
  std::optional<std::string> config, data;
};
void add_common_flags(CLI::App& command, CommonFlags& flags);
/// File, environment and flags together.
OrFail<Config> config_of(const CommonFlags& common, std::vector<FlagValue> flags = {});

class AdminClient;
/// To the admin API of that server. Failures: of the configuration, and of AdminClient::connect.
OrFail<std::unique_ptr<AdminClient>> connect(const CommonFlags& common);

/// A command below `parent` with its example in --help.
CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& what, const std::string& example);

/// Writes a failure to stderr; the exit status.
int exit_status_of(const OrFail<>& done);

/// A command that does `act`, with the common flags, which are Flags::common; those of its own are added to what is returned.
template <class Flags>
std::pair<CLI::App*, Flags*> add_verb(CLI::App& parent, const std::string& name, const std::string& what, const std::string& example,
                                      OrFail<> (*act)(const Flags&), int& exit_status) {
  const auto flags = std::make_shared<Flags>();
  CLI::App& added = add_command(parent, name, what, example);
  add_common_flags(added, flags->common);
  added.callback([flags, act, &exit_status] { exit_status = exit_status_of(act(*flags)); });
  return {&added, flags.get()};
}

}  // namespace kaimen::app
