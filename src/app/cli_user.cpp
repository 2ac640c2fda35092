// kaimen user …: one user, through the admin API.
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "app/table.h"
#include "http/message.h"

namespace kaimen::app {

namespace {

namespace json = http::json;

struct UserFlags {
  CommonFlags common;
  std::string id;
  bool yes = false, json = false;
};

std::string target_of(const UserFlags& flags) { return "/admin/v1/users/" + http::url_encode(flags.id); }

std::string shown(const json::value& value) {
  if (value.is_null()) return "–";
  if (value.is_string()) return std::string(value.get_string());
  if (!value.is_array()) return http::to_text(value);
  std::string text;
  for (const auto& item : value.get_array()) text += (text.empty() ? "" : ", ") + shown(item);
  return text;
}

OrFail<> show(const UserFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const auto user, client->get(target_of(flags)));
  if (flags.json) {
    std::cout << http::to_text(user) << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : user.as_object()) {
    if (name != "identities") rows.push_back({std::string(name), shown(value)});
  }
  const auto* identities = user.as_object().if_contains("identities");
  const auto* list = identities ? identities->if_array() : nullptr;
  for (size_t i = 0; list && i < list->size(); ++i) {
    const auto& one = list->at(i);
    const std::string unionid = text_member(one, "unionid");
    rows.push_back({"identity", text_member(one, "provider") + " " + text_member(one, "app_id") + " " + text_member(one, "openid") +
                                    (unionid.empty() ? "" : ", unionid " + unionid) + ", since " + text_member(one, "created_at")});
  }
  std::cout << table({"FIELD", "VALUE"}, rows);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> remove(const UserFlags& flags) {
  TRY(confirm(flags.yes, "deleting a user cannot be undone", flags.id));
  TRY(const auto client, connect(flags.common));
  TRY(client->remove(target_of(flags)));
  std::cout << "deleted " << flags.id << '\n';
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_user_commands(CLI::App& root, int& exit_status) {
  CLI::App& family = add_command(root, "user", "One user: show, delete", "kaimen user show 0190f5c3a1b24c6f8e9d7a5b3c1e2f40");
  family.require_subcommand(1);
  const auto command = [&](const char* name, const char* what, const char* example, OrFail<> (*act)(const UserFlags&)) {
    const auto verb = add_verb(family, name, what, example, act, exit_status);
    verb.first->add_option("ID", verb.second->id, "The user's id")->required();
    return verb;
  };
  const auto [show_user, show_flags] = command("show", "What is kept of the user, with identities and roles",
                                               "kaimen user show 0190f5c3a1b24c6f8e9d7a5b3c1e2f40", show);
  show_user->add_flag("--json", show_flags->json, "Print JSON");
  const auto [delete_user, delete_flags] = command("delete", "Delete the user at once, with all personal data",
                                                   "kaimen user delete 0190f5c3a1b24c6f8e9d7a5b3c1e2f40 --yes", remove);
  delete_user->add_flag("--yes", delete_flags->yes, "Do not ask");
}

}  // namespace kaimen::app
