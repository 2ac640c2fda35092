// kaimen component …: WeChat's third-party platforms, through the admin API. Once it is there, a component is an app like others: `kaimen app
// show|set|rotate-secret|check|remove`.
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "app/secret_input.h"
#include "app/table.h"
#include "http/message.h"

namespace kaimen::app {

namespace {

namespace json = http::json;

struct ComponentFlags {
  CommonFlags common;
  std::string component, app_id;
  std::optional<std::string> project, name, upstream, only, redirect_uri, return_to;
  bool json = false;
};

std::string target_of(const ComponentFlags& flags, const std::string& below) { return "/admin/v1/apps/" + http::url_encode(flags.component) + below; }

void put(json::object& body, const char* name, const std::optional<std::string>& value) {
  if (value) body[name] = *value;
}

void print(const json::value& value, bool as_json, const std::vector<std::vector<std::string>>& rows) {
  if (as_json) std::cout << http::to_text(value) << '\n';
  else std::cout << table({"FIELD", "VALUE"}, rows);
}

OrFail<> add(const ComponentFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const Secret secret, read_secret("AppSecret of " + flags.component));
  TRY(const Secret token, read_secret("Token of its message encryption (消息校验Token)"));
  TRY(const Secret key, read_secret("EncodingAESKey (消息加解密Key)"));
  json::object body{{"app_id", flags.component}, {"platform", "wechat_component"}, {"secret", secret.reveal()},
                    {"push", json::object{{"token", token.reveal()}, {"encoding_aes_key", key.reveal()}}}};
  put(body, "project", flags.project);
  put(body, "name", flags.name);
  put(body, "upstream", flags.upstream);
  TRY(const auto made, client->post("/admin/v1/apps", body));
  print(made, flags.json, {{"app_id", text_member(made, "app_id")}, {"project", text_member(made, "project")}, {"platform", text_member(made, "platform")}});
  if (!flags.json) {
    std::cout << "\n授权事件接收配置   {public.url}/push/wechat/" << flags.component << "\n消息与事件接收配置 {public.url}/push/wechat/$APPID$\n\nkaimen app check "
              << flags.component << "   once WeChat has pushed a ticket: it does so every ten minutes\n";
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> link(const ComponentFlags& flags) {
  json::object body;
  put(body, "project", flags.project);
  put(body, "app_id", flags.only);
  put(body, "redirect_uri", flags.redirect_uri);
  put(body, "return_to", flags.return_to);
  TRY(const auto client, connect(flags.common));
  TRY(const auto made, client->post(target_of(flags, "/authorization-links"), body));
  print(made, flags.json, {{"scan", text_member(made, "url")}, {"in WeChat", text_member(made, "mobile_url")}});
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> adopt(const ComponentFlags& flags) {
  json::object body{{"app_id", flags.app_id}};
  put(body, "project", flags.project);
  TRY(const auto client, connect(flags.common));
  TRY(const auto app, client->post(target_of(flags, "/authorizations"), body));
  print(app, flags.json, {{"app_id", text_member(app, "app_id")}, {"project", text_member(app, "project")}, {"name", text_member(app, "name")}});
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> apps(const ComponentFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const auto items, client->list("/admin/v1/apps?limit=200&component=" + http::url_encode(flags.component)));
  if (flags.json) {
    std::cout << http::to_text(items) << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& app : items) {
    const auto& authorization = app.as_object().at("authorization");
    rows.push_back({text_member(app, "app_id"), text_member(app, "project"), text_member(authorization, "state"), text_member(authorization, "authorized_at"), text_member(app, "name")});
  }
  std::cout << table({"APP ID", "PROJECT", "STATE", "SINCE", "NAME"}, rows);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_component_commands(CLI::App& root, int& exit_status) {
  CLI::App& family = add_command(root, "component", "WeChat's third-party platforms (第三方平台): add, link, adopt, apps", "kaimen component link wx0123456789abcdef --project teahouse");
  family.require_subcommand(1);
  const auto command = [&](const char* name, const char* what, const char* example, OrFail<> (*act)(const ComponentFlags&)) {
    const auto verb = add_verb(family, name, what, example, act, exit_status);
    const auto [added, flags] = verb;
    added->add_option("COMPONENT", flags->component, "The third-party platform's AppID")->required();
    if (act == adopt) added->add_option("APPID", flags->app_id, "The mini program's AppID")->required();
    added->add_flag("--json", flags->json, "Print JSON");
    if (act != apps) added->add_option("--project", flags->project, act == add ? "Its project (default: default)" : "Where the mini program comes to (default: the component's own)")->type_name("NAME");
    return verb;
  };
  const auto [add_one, add_flags] = command("add", "Add one; AppSecret, Token and EncodingAESKey are asked for, or read from stdin, a line each",
                                            "kaimen component add wx0123456789abcdef < secrets.txt", add);
  add_one->add_option("--name", add_flags->name, "What people call it")->type_name("TEXT");
  add_one->add_option("--upstream", add_flags->upstream, "Name of an [upstreams.NAME] of the configuration")->type_name("NAME");

  const auto [link_one, link_flags] = command("link", "Links by which an administrator authorises it; they hold for half an hour, for one mini program",
                                              "kaimen component link wx0123456789abcdef --project teahouse", link);
  link_one->add_option("--app", link_flags->only, "The only mini program that may")->type_name("APPID");
  link_one->add_option("--return-to", link_flags->return_to, "Where the browser goes afterwards")->type_name("URL");
  link_one->add_option("--redirect-uri", link_flags->redirect_uri, "A callback of your own, which hands the auth_code to the admin API")->type_name("URL");

  command("adopt", "Take up a mini program that has authorised it without such a link", "kaimen component adopt wx0123456789abcdef wxfedcba9876543210 --project teahouse", adopt);
  command("apps", "The mini programs that have authorised it", "kaimen component apps wx0123456789abcdef", apps);
}

}  // namespace kaimen::app
