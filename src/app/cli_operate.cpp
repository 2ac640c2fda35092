// kaimen check, config, version; and the places of migrate, backup and restore.
#include <iostream>

#include "app/check.h"
#include "app/cli.h"

namespace kaimen::app {

namespace {

struct OperateFlags {
  CommonFlags common;
  bool json = false;
};

OrFail<> check(const OperateFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  const auto findings = check_everything(config);
  std::cout << (flags.json ? findings_as_json(findings) : findings_as_text(findings));
  for (const auto& finding : findings) {
    if (finding.state == Finding::State::fail) return fail("not everything is as it must be", finding.hint);
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> print_config(const OperateFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  std::cout << config_as_toml(config);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> version(const OperateFlags&) {
  std::cout << "kaimen " KAIMEN_VERSION "\n";
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_operate_commands(CLI::App& root, int& exit_status) {
  const auto command = [&](const char* name, const char* what, const char* example, OrFail<> (*act)(const OperateFlags&)) {
    const auto flags = std::make_shared<OperateFlags>();
    CLI::App& added = add_command(root, name, what, example);
    if (act != version) add_common_flags(added, flags->common);
    if (act == check) added.add_flag("--json", flags->json, "Print JSON");
    added.callback([flags, act, &exit_status] { exit_status = exit_status_of(act(*flags)); });
  };
  command("check", "Look at the configuration and at every dependency", "kaimen check --config /etc/kaimen/kaimen.toml", check);
  add_migrate_command(root, exit_status);
  add_backup_command(root, exit_status);
  add_restore_command(root, exit_status);
  command("config", "Print the configuration in effect, secrets masked", "kaimen config > kaimen.toml", print_config);
  command("version", "Print the version", "kaimen version", version);
}

}  // namespace kaimen::app
