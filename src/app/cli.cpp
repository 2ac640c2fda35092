#include "app/cli.h"

#include "app/admin_client.h"

namespace kaimen::app {

void add_common_flags(CLI::App& command, CommonFlags& flags) {
  command.add_option("--config", flags.config, std::string("Configuration file (default: ") + kDefaultConfigFile + " if it is there)")->type_name("FILE");
  command.add_option("--data", flags.data, "Data directory (default: where the store's file is)")->type_name("DIR");
}

OrFail<Config> config_of(const CommonFlags& common, std::vector<FlagValue> flags) {
  ConfigSources sources;
  sources.file = common.config;
  sources.data = common.data;
  sources.environment = process_environment();
  sources.flags = std::move(flags);
  return load_config(sources);
}

OrFail<std::unique_ptr<AdminClient>> connect(const CommonFlags& common) {
  TRY(const auto config, config_of(common));
  return AdminClient::connect(config);
}

CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& what, const std::string& example) {
  CLI::App& command = *parent.add_subcommand(name, what);
  command.footer("Example:\n  " + example);
  return command;
}

int exit_status_of(const OrFail<>& done) { return done ? kExitOk : complain(done.error()); }

}  // namespace kaimen::app
