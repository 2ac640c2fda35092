// kaimen serve, kaimen sandbox.
#include <cstdlib>
#include <iostream>

#include "app/cli.h"
#include "app/config_checks.h"
#include "app/data_directory.h"
#include "app/process.h"
#include "app/sandbox_server.h"
#include "app/secret_input.h"
#include "app/wiring.h"

namespace kaimen::app {

namespace {

struct ServeFlags {
  CommonFlags common;
  std::optional<std::string> public_listen, private_listen, sandbox_listen, wechat;
  bool json = false, dev = false, devtools = false, lan = false;
};

std::vector<FlagValue> listen_flags(const ServeFlags& flags) {
  std::vector<FlagValue> values;
  if (flags.public_listen) values.push_back({"--public", "public.listen", *flags.public_listen});
  if (flags.private_listen) values.push_back({"--private", "private.listen", *flags.private_listen});
  return values;
}

OrFail<> serve_production(const ServeFlags& flags) {
  std::vector<std::string> errors;
  const std::pair<bool, const char*> dev_only[] = {
      {flags.sandbox_listen.has_value(), "--sandbox"}, {flags.wechat.has_value(), "--wechat"}, {flags.devtools, "--devtools"}, {flags.lan, "--lan"}};
  for (const auto& [given, name] : dev_only) {
    if (given) errors.push_back(std::string(name) + " is for dev mode only");
  }
  if (!errors.empty()) return Failure{std::move(errors), "add --dev, or set up an upstream and listeners in the configuration file", kExitUsage};
  TRY(auto config, config_of(flags.common, listen_flags(flags)));
  return serve(ServePlan{std::move(config), flags.json, std::nullopt});
}

/// What production is made of has no place in dev mode: a throw-away server must not find a real database or key by way of a forgotten
/// variable.
OrFail<> refuse_production_settings(const ServeFlags& flags, const ConfigSources& sources) {
  std::vector<std::string> errors;
  if (flags.common.config) errors.push_back("--dev takes no configuration file");
  for (const auto& [name, value] : sources.environment) {
    for (const auto* prefix : {"KAIMEN_STORE_", "KAIMEN_MASTER_KEY", "KAIMEN_UPSTREAMS_", "KAIMEN_PUBLIC_TLS_", "KAIMEN_PRIVATE_TLS_"}) {
      if (name.starts_with(prefix)) errors.push_back("environment: " + name + ": dev mode has its own");
    }
  }
  if (!errors.empty()) return Failure{std::move(errors), "dev mode is set up by flags alone: kaimen serve --help", kExitUsage};
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> serve_dev(const ServeFlags& flags) {
  ConfigSources sources;
  sources.environment = process_environment();
  sources.default_file = false;
  TRY(refuse_production_settings(flags, sources));

  std::optional<ThrowAwayDirectory> throw_away;
  if (flags.common.data) {
    sources.data = flags.common.data;
  } else {
    TRY(auto made, ThrowAwayDirectory::make());
    throw_away.emplace(std::move(made));
    sources.data = throw_away->path();
  }
  const std::string host = flags.lan ? "0.0.0.0:" : "127.0.0.1:";
  sources.flags = {{"--public", "public.listen", flags.public_listen.value_or(host + "8080")},
                   {"--private", "private.listen", flags.private_listen.value_or(host + "8081")}};
  if (flags.lan) sources.flags.push_back({"--lan", "private.plaintext_from", "0.0.0.0/0,::/0"});
  if (flags.wechat) sources.flags.push_back({"--wechat", "upstreams.wechat.base_url", *flags.wechat});

  DevPlan dev;
  if (!flags.wechat) dev.sandbox_listen = flags.sandbox_listen.value_or(host + "8082");
  dev.devtools = flags.devtools;
  if (!dev.sandbox_listen.empty() && !parse_listen(dev.sandbox_listen)) {
    return misconfigured("--sandbox: '" + dev.sandbox_listen + "' is not ADDRESS:PORT, such as 127.0.0.1:8082");
  }
  TRY(auto config, load_config(sources));
  // Webhooks and the like may go to what a developer runs beside it.
  config.outbound_allow_private = {"127.0.0.0/8", "::1"};
  return serve(ServePlan{std::move(config), flags.json, std::move(dev)});
}

struct SandboxFlags {
  std::string listen = "127.0.0.1:8082", app;
  bool json = false, devtools = false;
};

OrFail<> run_sandbox(const SandboxFlags& flags) {
  if (!parse_listen(flags.listen)) return misconfigured("--listen: '" + flags.listen + "' is not ADDRESS:PORT, such as 127.0.0.1:8082");
  Secret secret;
  if (!flags.app.empty()) {
    const char* given = std::getenv("KAIMEN_SANDBOX_SECRET");
    if (given && *given) {
      secret = Secret(given);
    } else {
      TRY(secret, read_secret("AppSecret that " + flags.app + " shall have in the sandbox"));
    }
  }
  Signals signals;
  raise_file_limit();
  Machine machine;
  TRY(const auto server, SandboxServer::start(machine, flags.listen, flags.devtools));
  if (!flags.app.empty()) server->sandbox().add_app(flags.app, std::move(secret));
  if (flags.json) {
    std::cout << "{\"sandbox\":\"" << server->url() << "\"}" << std::endl;
  } else {
    std::cout << "离线微信 · offline WeChat: " << server->url() << std::endl;
  }
  Signals::wait();
  Signals::exit_at_next();
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_serve_commands(CLI::App& root, int& exit_status) {
  const auto flags = std::make_shared<ServeFlags>();
  CLI::App& serve_command = add_command(root, "serve", "Run the server", "kaimen serve --config /etc/kaimen/kaimen.toml\n  kaimen serve --dev");
  add_common_flags(serve_command, flags->common);
  serve_command.add_option("--public", flags->public_listen, "Where mini programs call (port 0: any free one)")->type_name("ADDR:PORT");
  serve_command.add_option("--private", flags->private_listen, "Where backends check and operators manage")->type_name("ADDR:PORT");
  serve_command.add_flag("--json", flags->json, "When ready, print one line of JSON with the addresses");
  serve_command.add_flag("--dev", flags->dev, "Dev mode: throw-away data, an offline WeChat, one app and one key ready");
  serve_command.add_option("--sandbox", flags->sandbox_listen, "Dev mode: where the offline WeChat listens")->type_name("ADDR:PORT");
  serve_command.add_option("--wechat", flags->wechat, "Dev mode: use this WeChat instead, e.g. https://api.weixin.qq.com")->type_name("URL");
  serve_command.add_flag("--devtools", flags->devtools, "Dev mode: codes of WeChat DevTools (微信开发者工具) log in as user devtools");
  serve_command.add_flag("--lan", flags->lan, "Dev mode: listen on 0.0.0.0, for a real phone in the same network");
  serve_command.callback([flags, &exit_status] { exit_status = exit_status_of(flags->dev ? serve_dev(*flags) : serve_production(*flags)); });

  const auto sandbox = std::make_shared<SandboxFlags>();
  CLI::App& sandbox_command = add_command(root, "sandbox", "Run the offline WeChat alone, for tests of any WeChat SDK",
                                          "echo 0123456789abcdef0123456789abcdef | kaimen sandbox --app wxtest000000000001");
  sandbox_command.add_option("--listen", sandbox->listen, "Where it listens (port 0: any free one)")->type_name("ADDR:PORT")->capture_default_str();
  sandbox_command.add_option("--app", sandbox->app, "An app it knows; its secret comes from KAIMEN_SANDBOX_SECRET or stdin")->type_name("APPID");
  sandbox_command.add_flag("--json", sandbox->json, "When ready, print one line of JSON with the address");
  sandbox_command.add_flag("--devtools", sandbox->devtools, "Codes that were not made here log in as user devtools");
  sandbox_command.callback([sandbox, &exit_status] { exit_status = exit_status_of(run_sandbox(*sandbox)); });
}

}  // namespace kaimen::app
