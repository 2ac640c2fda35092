// kaimen key …: access keys for the admin API and for checks from afar. kaimen keys …: those that tickets are sealed with.
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "app/table.h"
#include "http/message.h"

namespace kaimen::app {

namespace {

namespace json = http::json;

struct KeyFlags {
  CommonFlags common;
  std::string id, name;
  std::vector<std::string> scopes;
  std::optional<std::string> project;
  bool json = false, all = false, yes = false;
};

std::string joined(const json::value& list) {
  std::string text;
  if (!list.is_array()) return text;
  for (const auto& item : list.get_array()) {
    if (item.is_string()) text += (text.empty() ? "" : ",") + std::string(item.get_string());
  }
  return text;
}

std::string state_of(const json::value& key) {
  const std::string revoked = text_member(key, "revoked_at"), unconfirmed = text_member(key, "unconfirmed_since");
  if (!revoked.empty()) return "revoked " + revoked;
  return unconfirmed.empty() ? "active" : "off since the restore of " + unconfirmed + ": not confirmed";
}

OrFail<> create(const KeyFlags& flags) {
  TRY(const auto client, connect(flags.common));
  json::array scopes(flags.scopes.begin(), flags.scopes.end());
  json::object body{{"name", flags.name}, {"scopes", std::move(scopes)}};
  if (flags.project) body["project"] = *flags.project;
  TRY(const auto key, client->post("/admin/v1/keys", body));
  if (flags.json) {
    std::cout << http::to_text(key) << '\n';
  } else {
    std::cout << text_member(key, "key") << '\n';
    std::cerr << "kaimen: this key is shown once; keep it now (id " << text_member(key, "id") << ")\n";
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> list(const KeyFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const auto keys, client->list("/admin/v1/keys"));
  if (flags.json) {
    std::cout << http::to_text(keys) << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& key : keys) {
    const auto* scopes = key.as_object().if_contains("scopes");
    const std::string project = text_member(key, "project"), used = text_member(key, "last_used_at");
    rows.push_back({text_member(key, "id"), text_member(key, "name"), scopes ? joined(*scopes) : "", project.empty() ? "any" : project,
                    text_member(key, "created_at"), used.empty() ? "never" : used, state_of(key)});
  }
  std::cout << table({"ID", "NAME", "SCOPES", "PROJECT", "CREATED", "LAST USED", "STATE"}, rows);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> revoke(const KeyFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(client->remove("/admin/v1/keys/" + http::url_encode(flags.id)));
  std::cout << "revoked " << flags.id << '\n';
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

/// After a restore: any of them may have been revoked since the backup was made.
OrFail<> confirm_keys(const KeyFlags& flags) {
  if (flags.all == !flags.id.empty()) return misconfigured("key confirm: which key?", "kaimen key confirm ID, or --all; `kaimen key list` shows which are off");
  TRY(const auto client, connect(flags.common));
  std::vector<std::string> ids;
  if (!flags.all) {
    ids.push_back(flags.id);
  } else {
    std::string names;
    TRY(const auto keys, client->list("/admin/v1/keys"));
    for (const auto& key : keys) {
      if (text_member(key, "unconfirmed_since").empty()) continue;
      const auto* scopes = key.as_object().if_contains("scopes");
      ids.push_back(text_member(key, "id"));
      names += (names.empty() ? "" : ", ") + text_member(key, "name") + " (" + (scopes ? joined(*scopes) : "") + ")";
    }
    if (!ids.empty()) {
      TRY(confirm(flags.yes, "these keys work again, also those that were revoked since the backup: " + names, "all"));
    }
  }
  for (const std::string& id : ids) {
    TRY(client->post("/admin/v1/keys/" + http::url_encode(id) + "/confirm", {}));
    std::cout << "confirmed " << id << '\n';
  }
  if (ids.empty()) std::cout << "nothing to do: no key is off\n";
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> retire(const KeyFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(client->post("/admin/v1/ticket-keys/retire", {}));
  std::cout << "retired: every ticket that is out answers renew, and clients renew by themselves\n";
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_key_commands(CLI::App& root, int& exit_status) {
  CLI::App& family = add_command(root, "key", "Access keys of backends and operators: create, list, revoke, confirm", "kaimen key list");
  family.require_subcommand(1);
  const auto command = [&](const char* name, const char* what, const char* example, OrFail<> (*act)(const KeyFlags&)) {
    return add_verb(family, name, what, example, act, exit_status);
  };

  const auto [create_key, create_flags] = command("create", "Make a key; it is shown once", "kaimen key create --name shop-backend --scope verify,read", create);
  create_key->add_option("--name", create_flags->name, "Who holds it")->required()->type_name("TEXT");
  create_key->add_option("--scope", create_flags->scopes, "verify, read, write, wechat, admin; several with commas")->required()->delimiter(',')->type_name("SCOPE");
  create_key->add_option("--project", create_flags->project, "Bind it to one project")->type_name("NAME");
  create_key->add_flag("--json", create_flags->json, "Print JSON");

  const auto [list_keys, list_flags] = command("list", "All keys, also revoked ones", "kaimen key list --json", list);
  list_keys->add_flag("--json", list_flags->json, "Print JSON");

  const auto [revoke_key, revoke_flags] = command("revoke", "Revoke a key; it ends at once", "kaimen key revoke 0190f5c3a1b24c6f8e9d7a5b3c1e2f40", revoke);
  revoke_key->add_option("ID", revoke_flags->id, "The key's id, as `kaimen key list` shows it")->required();

  const auto [confirm_key, confirm_flags] =
      command("confirm", "After a restore: a key that is off works again", "kaimen key confirm 0190f5c3a1b24c6f8e9d7a5b3c1e2f40", confirm_keys);
  confirm_key->add_option("ID", confirm_flags->id, "The key's id, as `kaimen key list` shows it");
  auto* all = confirm_key->add_flag("--all", confirm_flags->all, "Every key that is off");
  confirm_key->add_flag("--yes", confirm_flags->yes, "With --all: do not ask")->needs(all);

  CLI::App& ticket_keys = add_command(root, "keys", "The keys that tickets are sealed with: retire", "kaimen keys retire");
  ticket_keys.require_subcommand(1);
  add_verb(ticket_keys, "retire", "After a leak: no ticket that is out passes any more; nobody has to log in anew", "kaimen keys retire", retire, exit_status);
}

}  // namespace kaimen::app
