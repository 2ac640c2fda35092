// kaimen project …: tenants, through the admin API.
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "app/table.h"
#include "http/message.h"

namespace kaimen::app {

namespace {

namespace json = http::json;

struct ProjectFlags {
  CommonFlags common;
  std::string name;
  std::optional<std::string> title, search;
  bool enable = false, disable = false, with_users = false, yes = false, json = false;
};

std::string target_of(const ProjectFlags& flags) { return "/admin/v1/projects/" + http::url_encode(flags.name); }

bool is_true(const json::value& object, std::string_view name) {
  const auto* value = object.as_object().if_contains(name);
  return value && value->is_bool() && value->get_bool();
}

std::vector<std::string> row_of(const json::value& project) {
  const auto* apps = project.as_object().if_contains("apps");
  return {text_member(project, "name"), is_true(project, "disabled") ? "disabled" : "active", apps ? http::to_text(*apps) : "",
          text_member(project, "created_at"), text_member(project, "title")};
}

OrFail<> print(const json::value& answer, const ProjectFlags& flags) {
  if (flags.json) {
    std::cout << http::to_text(answer) << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  std::vector<std::vector<std::string>> rows;
  if (answer.is_array()) {
    for (const auto& project : answer.get_array()) rows.push_back(row_of(project));
  } else {
    rows.push_back(row_of(answer));
  }
  std::cout << table({"PROJECT", "STATE", "APPS", "CREATED", "TITLE"}, rows);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> add(const ProjectFlags& flags) {
  TRY(const auto client, connect(flags.common));
  json::object body{{"name", flags.name}};
  if (flags.title) body["title"] = *flags.title;
  TRY(const auto project, client->post("/admin/v1/projects", body));
  return print(project, flags);
}

OrFail<> list(const ProjectFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(auto projects, client->list("/admin/v1/projects?limit=200" + (flags.search ? "&q=" + http::url_encode(*flags.search) : "")));
  return print(json::value(std::move(projects)), flags);
}

OrFail<> show(const ProjectFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const auto project, client->get(target_of(flags)));
  return print(project, flags);
}

OrFail<> set(const ProjectFlags& flags) {
  json::object body;
  if (flags.title) body["title"] = *flags.title;
  if (flags.enable || flags.disable) body["disabled"] = flags.disable;
  if (body.empty()) return misconfigured("nothing to set", "kaimen project set --help lists what can be set");
  TRY(const auto client, connect(flags.common));
  TRY(const auto project, client->patch(target_of(flags), body));
  return print(project, flags);
}

/// All of them, each as `kaimen user delete` does it. A page may be empty although others follow. Who comes in meanwhile is deleted, too, as
/// ids grow; and none can, once the apps are gone.
OrFail<uint64_t> delete_users(AdminClient& client, const std::string& project) {
  uint64_t deleted = 0;
  std::string cursor;
  do {
    TRY(const auto page, client.get("/admin/v1/users?limit=200&project=" + http::url_encode(project) + (cursor.empty() ? "" : "&cursor=" + http::url_encode(cursor))));
    for (const auto& user : page.as_object().at("items").as_array()) {
      TRY(client.remove("/admin/v1/users/" + text_member(user, "id")));
      ++deleted;
    }
    cursor = text_member(page, "next_cursor");
  } while (!cursor.empty());
  return deleted;
}

OrFail<> remove(const ProjectFlags& flags) {
  TRY(const auto client, connect(flags.common));
  if (flags.with_users) {
    TRY(confirm(flags.yes, "this removes all apps, users, keys and webhooks of the project, for ever", flags.name));
    const std::string of_project = "&project=" + http::url_encode(flags.name);
    TRY(client->get(target_of(flags)));  // it is there
    TRY(const auto apps, client->list("/admin/v1/apps?limit=200" + of_project));
    // A third-party platform goes after those that have authorised it.
    for (const bool components : {false, true}) {
      for (const auto& app : apps) {
        if ((text_member(app, "platform") == "wechat_component") != components) continue;
        TRY(client->remove("/admin/v1/apps/" + http::url_encode(text_member(app, "app_id"))));
      }
    }
    for (const char* what : {"keys", "webhooks"}) {
      TRY(const auto all, client->list("/admin/v1/" + std::string(what) + "?limit=200"));
      for (const auto& one : all) {
        if (text_member(one, "project") != flags.name || !text_member(one, "revoked_at").empty()) continue;
        TRY(client->remove("/admin/v1/" + std::string(what) + "/" + text_member(one, "id")));
      }
    }
    TRY(const uint64_t users, delete_users(*client, flags.name));
    std::cout << "removed " << apps.size() << " apps and " << users << " users\n";
  }
  TRY(client->remove(target_of(flags)));
  std::cout << "removed " << flags.name << '\n';
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_project_commands(CLI::App& root, int& exit_status) {
  CLI::App& family = add_command(root, "project", "Projects, one for each customer: add, list, show, set, remove", "kaimen project list");
  family.require_subcommand(1);
  const auto command = [&](const char* name, const char* what, const char* example, OrFail<> (*act)(const ProjectFlags&)) {
    const auto verb = add_verb(family, name, what, example, act, exit_status);
    const auto [added, flags] = verb;
    if (act != list) added->add_option("NAME", flags->name, "The project's name")->required();
    if (act != remove) added->add_flag("--json", flags->json, "Print JSON");
    return verb;
  };
  const auto [add_project, add_flags] = command("add", "Add a project", "kaimen project add teahouse --title '茶馆'", add);
  add_project->add_option("--title", add_flags->title, "What people call it")->type_name("TEXT");

  const auto [list_projects, list_flags] = command("list", "Projects, all or some", "kaimen project list --search tea", list);
  list_projects->add_option("--search", list_flags->search, "Those with this in their name or title")->type_name("TEXT");
  command("show", "One project", "kaimen project show teahouse", show);

  const auto [set_project, set_flags] = command("set", "Change a project", "kaimen project set teahouse --disable", set);
  set_project->add_option("--title", set_flags->title, "What people call it")->type_name("TEXT");
  auto* disable = set_project->add_flag("--disable", set_flags->disable, "Refuse logins and checks of all its apps");
  set_project->add_flag("--enable", set_flags->enable, "Let them in again")->excludes(disable);

  const auto [remove_project, remove_flags] = command("remove", "Remove a project, once nothing is in it", "kaimen project remove teahouse --with-users --yes", remove);
  auto* with_users = remove_project->add_flag("--with-users", remove_flags->with_users, "And first its apps, users, keys and webhooks");
  remove_project->add_flag("--yes", remove_flags->yes, "Do not ask")->needs(with_users);
}

}  // namespace kaimen::app
