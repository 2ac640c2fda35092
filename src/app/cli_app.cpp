// kaimen app …: mini programs, through the admin API.
#include <iostream>

#include "app/admin_client.h"
#include "app/app_check.h"
#include "app/cli.h"
#include "app/secret_input.h"
#include "app/table.h"
#include "http/message.h"

namespace kaimen::app {

namespace {

namespace json = http::json;

struct AppFlags {
  CommonFlags common;
  std::string app_id;
  std::optional<std::string> project, name, platform, upstream, search;
  std::vector<std::string> settings;  // NAME=VALUE
  std::optional<int64_t> overlap_seconds;
  bool enable = false, disable = false, end_sessions = false, yes = false, json = false;
};

std::string target_of(const AppFlags& flags, const std::string& below = {}) { return "/admin/v1/apps/" + http::url_encode(flags.app_id) + below; }

OrFail<json::object> settings_of(const AppFlags& flags) {
  json::object settings;
  for (const auto& setting : flags.settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) return misconfigured("--set takes NAME=VALUE, such as --set ticket_seconds=3600", "an empty value takes the default again");
    settings[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return settings;
}

void put(json::object& body, const char* name, const std::optional<std::string>& value) {
  if (value) body[name] = *value;
}

std::string shown(const json::value& value) { return value.is_string() ? std::string(value.get_string()) : value.is_null() ? "–" : http::to_text(value); }

void print_app(const json::value& app, bool as_json) {
  if (as_json) {
    std::cout << http::to_text(app) << '\n';
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : app.as_object()) {
    if (name == "settings") continue;  // `effective` shows them with the defaults
    if (!value.is_object()) {
      rows.push_back({std::string(name), shown(value)});
      continue;
    }
    for (const auto& [inner, inner_value] : value.get_object()) rows.push_back({std::string(inner), shown(inner_value)});
  }
  std::cout << table({"FIELD", "VALUE"}, rows);
}

OrFail<> add(const AppFlags& flags) {
  TRY(const auto settings, settings_of(flags));
  TRY(const auto client, connect(flags.common));
  TRY(const Secret secret, read_secret("AppSecret of " + flags.app_id));
  json::object body{{"app_id", flags.app_id}, {"secret", secret.reveal()}};
  put(body, "project", flags.project);
  put(body, "name", flags.name);
  put(body, "platform", flags.platform);
  put(body, "upstream", flags.upstream);
  if (!settings.empty()) body["settings"] = settings;
  TRY(const auto app, client->post("/admin/v1/apps", body));
  print_app(app, flags.json);
  if (!flags.json) std::cout << "\nkaimen app check " << flags.app_id << "   asks WeChat whether appid and secret are right\n";
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> list(const AppFlags& flags) {
  TRY(const auto client, connect(flags.common));
  std::string target = "/admin/v1/apps?limit=200";
  if (flags.project) target += "&project=" + http::url_encode(*flags.project);
  if (flags.search) target += "&q=" + http::url_encode(*flags.search);
  TRY(const auto apps, client->list(target));
  if (flags.json) {
    std::cout << http::to_text(apps) << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& app : apps) {
    const auto* disabled = app.as_object().if_contains("disabled");
    const bool is_disabled = disabled && disabled->is_bool() && disabled->get_bool();
    rows.push_back({text_member(app, "app_id"), text_member(app, "project"), text_member(app, "platform"), is_disabled ? "disabled" : "active",
                    text_member(app, "created_at"), text_member(app, "name")});
  }
  std::cout << table({"APP ID", "PROJECT", "PLATFORM", "STATE", "CREATED", "NAME"}, rows);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> show(const AppFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const auto app, client->get(target_of(flags)));
  print_app(app, flags.json);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> set(const AppFlags& flags) {
  TRY(const auto settings, settings_of(flags));
  json::object body;
  put(body, "name", flags.name);
  put(body, "upstream", flags.upstream);
  if (flags.enable || flags.disable) body["disabled"] = flags.disable;
  if (flags.end_sessions) body["revoke_sessions"] = true;
  if (!settings.empty()) body["settings"] = settings;
  if (body.empty()) return misconfigured("nothing to set", "kaimen app set --help lists what can be set");
  TRY(const auto client, connect(flags.common));
  TRY(const auto app, client->patch(target_of(flags), body));
  print_app(app, flags.json);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> remove(const AppFlags& flags) {
  TRY(confirm(flags.yes, "removing an app ends all its sessions", flags.app_id));
  TRY(const auto client, connect(flags.common));
  TRY(client->remove(target_of(flags)));
  std::cout << "removed " << flags.app_id << '\n';
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> rotate_secret(const AppFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const Secret secret, read_secret("New AppSecret of " + flags.app_id));
  json::object body{{"secret", secret.reveal()}};
  if (flags.overlap_seconds) body["overlap_seconds"] = *flags.overlap_seconds;
  TRY(const auto app, client->post(target_of(flags, "/secret"), body));
  print_app(app, flags.json);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> check(const AppFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const auto answer, client->post(target_of(flags, "/check"), {}));
  if (flags.json) std::cout << http::to_text(answer) << '\n';
  const AppVerdict verdict = read_app_check(answer);
  if (!verdict.good) return fail(flags.app_id + ": " + verdict.what, verdict.hint);
  if (!flags.json) std::cout << "ok    " << flags.app_id << "   " << verdict.what << '\n';
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_app_commands(CLI::App& root, int& exit_status) {
  CLI::App& family = add_command(root, "app", "Mini programs: add, list, show, set, remove, rotate-secret, check", "kaimen app list");
  family.require_subcommand(1);
  const auto command = [&](const char* name, const char* what, const char* example, OrFail<> (*act)(const AppFlags&)) {
    const auto verb = add_verb(family, name, what, example, act, exit_status);
    const auto [added, flags] = verb;
    if (std::string_view(name) != "list") added->add_option("APPID", flags->app_id, "The mini program's AppID")->required();
    if (std::string_view(name) != "remove") added->add_flag("--json", flags->json, "Print JSON");
    return verb;
  };
  const auto options = [](CLI::App& to, AppFlags& flags) {
    to.add_option("--name", flags.name, "What people call it")->type_name("TEXT");
    to.add_option("--upstream", flags.upstream, "Name of an [upstreams.NAME] of the configuration")->type_name("NAME");
    to.add_option("--set", flags.settings, "A setting, e.g. ticket_seconds=3600; empty: the default again")->type_name("NAME=VALUE");
  };

  const auto [add_app, add_flags] = command("add", "Add a mini program; its AppSecret is asked for, or read from stdin",
                                            "kaimen app add wx0123456789abcdef --name '我的小程序' < secret.txt", add);
  options(*add_app, *add_flags);
  add_app->add_option("--project", add_flags->project, "Its project: apps of one project share users by unionid (default: default)")->type_name("NAME");
  add_app->add_option("--platform", add_flags->platform, "Its platform (default: wechat)")->type_name("NAME");

  const auto [list_apps, list_flags] = command("list", "Mini programs, all or some", "kaimen app list --project teahouse", list);
  list_apps->add_option("--project", list_flags->project, "Those of one project")->type_name("NAME");
  list_apps->add_option("--search", list_flags->search, "Those with this in their AppID or name")->type_name("TEXT");
  command("show", "One mini program and its settings", "kaimen app show wx0123456789abcdef", show);

  const auto [set_app, set_flags] = command("set", "Change a mini program", "kaimen app set wx0123456789abcdef --set ticket_seconds=3600", set);
  options(*set_app, *set_flags);
  auto* disable = set_app->add_flag("--disable", set_flags->disable, "Refuse its logins and checks");
  set_app->add_flag("--enable", set_flags->enable, "Let it in again")->excludes(disable);
  set_app->add_flag("--end-sessions", set_flags->end_sessions, "End every session it has now");

  const auto [remove_app, remove_flags] = command("remove", "Remove a mini program; its sessions end at once", "kaimen app remove wx0123456789abcdef --yes", remove);
  remove_app->add_flag("--yes", remove_flags->yes, "Do not ask");

  const auto [rotate_app, rotate_flags] = command("rotate-secret", "Replace the AppSecret; the old one is still tried for a while",
                                                  "kaimen app rotate-secret wx0123456789abcdef < new-secret.txt", rotate_secret);
  rotate_app->add_option("--overlap-seconds", rotate_flags->overlap_seconds, "For how long the old one is still tried (default: a day)")->type_name("N");

  command("check", "Ask WeChat whether appid and secret are right", "kaimen app check wx0123456789abcdef", check);
}

}  // namespace kaimen::app
