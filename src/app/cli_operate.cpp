// kaimen check, migrate, config, version.
#include <iostream>

#include "app/check.h"
#include "app/cli.h"
#include "app/data_directory.h"
#include "app/node.h"
#include "app/schema.h"
#include "app/store_url.h"

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

OrFail<> migrate(const OperateFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  TRY(prepare_data_directory(config.data_directory));
  TRY(const auto lock, DataLock::try_lock(config.data_directory));
  if (!lock) return fail("a running kaimen has " + config.data_directory + " open", "a server brings its store to its version when it starts; stop it to migrate by hand");
  TRY(const Secret url, url_to_connect(config));
  const std::string name = shown_store(config);
  TRY(const auto before, read_schema(url.reveal(), SystemClock()));
  if (before.exists && before.missing.empty() && before.unknown.empty()) {
    std::cout << "nothing to do: " << name << " is at " << before.applied.back() << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  Machine machine;
  if (const auto opened = store::open_store({url.reveal(), 1}, machine.clock); !opened) {
    return fail("store " + name + ": " + opened.error().detail, before.unknown.empty() ? "" : "use the newer kaimen, or a backup made before it ran");
  }
  if (!before.exists) std::cout << "made " << name << '\n';
  for (const auto& migration : before.missing) std::cout << "applied " << migration << '\n';
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
  command("migrate", "Bring the store to this version", "kaimen migrate", migrate);
  command("config", "Print the configuration in effect, secrets masked", "kaimen config > kaimen.toml", print_config);
  command("version", "Print the version", "kaimen version", version);
}

}  // namespace kaimen::app
