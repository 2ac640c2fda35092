// kaimen entry …: entry codes, through the admin API.
#include <fstream>
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "app/table.h"
#include "http/message.h"

namespace kaimen::app {

namespace {

namespace json = http::json;

struct EntryFlags {
  CommonFlags common;
  std::string app_id, code;
  std::optional<std::string> payload, page, env, out, kind;
  std::optional<int64_t> width, uses, expires_in;
  bool registered_only = false, anybody = false, no_check_page = false, no_image = false;
  bool enable = false, disable = false, no_limit = false, yes = false, json = false;
};

std::string codes_of(const EntryFlags& flags) { return "/admin/v1/apps/" + http::url_encode(flags.app_id) + "/entry-codes"; }
std::string target_of(const EntryFlags& flags, const std::string& below = {}) { return codes_of(flags) + "/" + http::url_encode(flags.code) + below; }

std::string shown(const json::value& value) {
  return value.is_null() ? "–" : value.is_string() ? std::string(value.get_string()) : http::to_text(value);
}

/// The payload as it was typed: JSON, for a text would be a guess.
OrFail<> put_payload(const EntryFlags& flags, json::object& body) {
  if (!flags.payload) return BOOST_OUTCOME_V2_NAMESPACE::success();
  auto payload = http::parse_json(*flags.payload);
  if (!payload) return misconfigured("--payload must be JSON: " + payload.error().detail, R"(--payload '{"device":"door 4"}', or for a text, --payload '"door 4"')");
  body["payload"] = std::move(payload.value());
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

void put_limits(const EntryFlags& flags, json::object& body) {
  if (flags.uses) body["uses"] = *flags.uses;
  if (flags.expires_in) body["expires_in"] = *flags.expires_in;
  if (flags.registered_only || flags.anybody) body["policy"] = json::object{{"registered", flags.registered_only ? "only" : "any"}};
}

OrFail<> save_picture(AdminClient& client, const EntryFlags& flags) {
  if (!flags.out) return BOOST_OUTCOME_V2_NAMESPACE::success();
  TRY(const auto picture, client.download(target_of(flags, "/image")));
  std::ofstream file(*flags.out, std::ios::binary | std::ios::trunc);
  file.write(picture.data(), static_cast<std::streamsize>(picture.size()));
  file.close();
  if (!file) return fail("cannot write " + *flags.out, "the code is there: kaimen entry show " + flags.app_id + " " + flags.code + " --out FILE writes its picture");
  std::cerr << "picture written to " << *flags.out << '\n';
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

void print_code(const json::value& code, const EntryFlags& flags) {
  if (flags.json) {
    std::cout << http::to_text(code) << '\n';
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : code.as_object()) {
    if (name != "counts" && name != "policy") {
      rows.push_back({std::string(name), shown(value)});
      continue;
    }
    for (const auto& [inner, inner_value] : value.as_object()) rows.push_back({std::string(inner), shown(inner_value)});
  }
  std::cout << table({"FIELD", "VALUE"}, rows);
}

OrFail<> create(const EntryFlags& flags) {
  json::object body;
  TRY(put_payload(flags, body));
  put_limits(flags, body);
  if (flags.page) body["page"] = *flags.page;
  if (flags.env) body["env_version"] = *flags.env;
  if (flags.width) body["width"] = *flags.width;
  if (flags.no_check_page) body["check_path"] = false;
  if (flags.no_image) body["image"] = false;
  TRY(const auto client, connect(flags.common));
  TRY(const auto code, client->post(codes_of(flags), body));
  print_code(code, flags);
  EntryFlags made = flags;
  made.code = text_member(code, "entry_code");
  return save_picture(*client, made);
}

OrFail<> list(const EntryFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const auto codes, client->list(codes_of(flags) + "?limit=200"));
  if (flags.json) {
    std::cout << http::to_text(codes) << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& code : codes) {
    const auto& members = code.as_object();
    const auto& counts = members.at("counts").as_object();
    rows.push_back({text_member(code, "entry_code"), members.at("disabled").as_bool() ? "disabled" : "active", shown(counts.at("scans")), shown(counts.at("new_users")),
                    shown(counts.at("guests")), shown(members.at("expires_at")), text_member(code, "created_at"), http::to_text(members.at("payload"))});
  }
  std::cout << table({"CODE", "STATE", "SCANS", "NEW", "GUESTS", "EXPIRES", "CREATED", "PAYLOAD"}, rows);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> show(const EntryFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const auto code, client->get(target_of(flags)));
  print_code(code, flags);
  return save_picture(*client, flags);
}

OrFail<> set(const EntryFlags& flags) {
  json::object body;
  TRY(put_payload(flags, body));
  put_limits(flags, body);
  if (flags.no_limit) body["uses"] = nullptr, body["expires_at"] = nullptr;
  if (flags.enable || flags.disable) body["disabled"] = flags.disable;
  if (body.empty()) return misconfigured("nothing to set", "kaimen entry set --help lists what can be set");
  TRY(const auto client, connect(flags.common));
  TRY(const auto code, client->patch(target_of(flags), body));
  print_code(code, flags);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> scans(const EntryFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const auto scans, client->list(target_of(flags, "/scans?limit=200")));
  if (flags.json) {
    std::cout << http::to_text(scans) << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& scan : scans) {
    const auto& members = scan.as_object();
    const bool deleted = members.at("deleted").as_bool(), registered = members.at("registered").as_bool();
    rows.push_back({text_member(scan, "scanned_at"), text_member(scan, "user_id"), deleted ? "deleted" : registered ? "registered" : "guest",
                    members.at("is_new_user").as_bool() ? "new" : "", text_member(scan, "external_id"), text_member(scan, "nickname")});
  }
  std::cout << table({"SCANNED", "USER", "IS", "WAS", "EXTERNAL ID", "NICKNAME"}, rows);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> link(const EntryFlags& flags) {
  json::object body;
  if (flags.kind) body["kind"] = *flags.kind;
  if (flags.expires_in) body["expires_in"] = *flags.expires_in;
  TRY(const auto client, connect(flags.common));
  TRY(const auto made, client->post(target_of(flags, "/links"), body));
  std::cout << (flags.json ? http::to_text(made) : text_member(made, "url")) << '\n';
  if (!flags.json) std::cerr << "good until " << text_member(made, "expires_at") << '\n';
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> remove(const EntryFlags& flags) {
  TRY(confirm(flags.yes, "removing an entry code takes its picture and its counts with it", flags.code));
  TRY(const auto client, connect(flags.common));
  TRY(client->remove(target_of(flags)));
  std::cout << "removed " << flags.code << '\n';
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

void add_limits(CLI::App& to, EntryFlags& flags) {
  to.add_option("--uses", flags.uses, "How many scans at most")->type_name("N");
  to.add_option("--expires-in", flags.expires_in, "It ends after so many seconds")->type_name("N");
  to.add_flag("--registered-only", flags.registered_only, "Guests do not get the payload");
}

}  // namespace

void add_entry_commands(CLI::App& root, int& exit_status) {
  CLI::App& family = add_command(root, "entry", "Entry codes: create, list, show, set, scans, link, remove", "kaimen entry list wx0123456789abcdef");
  family.require_subcommand(1);
  const auto command = [&](const std::string& name, const char* what, const char* more, OrFail<> (*act)(const EntryFlags&)) {
    const bool of_one = name != "create" && name != "list";
    const auto verb = add_verb(family, name, what, "kaimen entry " + name + " wx0123456789abcdef" + (of_one ? " 3q2-7wAAQkGd0Zl5m1Xn4A" : "") + more, act, exit_status);
    const auto [added, flags] = verb;
    added->add_option("APPID", flags->app_id, "The mini program's AppID")->required();
    if (of_one) added->add_option("CODE", flags->code, "The entry code")->required();
    if (name != "remove") added->add_flag("--json", flags->json, "Print JSON");
    return verb;
  };

  const auto [creating, made] = command("create", "Make a code; WeChat draws its picture", R"( --payload '{"device":"door 4"}' --out door.png)", create);
  creating->add_option("--payload", made->payload, "What a login by the code gets, as JSON")->type_name("JSON")->required();
  creating->add_option("--page", made->page, "The page that a scan opens, like pages/index (default: the first)")->type_name("PAGE");
  creating->add_option("--env", made->env, "Which version a scan opens: release, trial or develop (default: release)")->type_name("NAME");
  creating->add_option("--width", made->width, "Of the picture: 280 to 1280 pixels (default: 430)")->type_name("N");
  creating->add_flag("--no-check-page", made->no_check_page, "WeChat need not know the page yet");
  auto* out = creating->add_option("--out", made->out, "Write the picture to this file")->type_name("FILE");
  creating->add_flag("--no-image", made->no_image, "For links alone: WeChat is not asked for a picture")->excludes(out);
  add_limits(*creating, *made);

  command("list", "Its codes with their counts, newest first", "", list);
  const auto [showing, seen] = command("show", "One code: payload, limits, counts", " --out door.png", show);
  showing->add_option("--out", seen->out, "Write its picture to this file")->type_name("FILE");

  const auto [setting, changed] = command("set", "Give it another payload or other limits, switch it off", " --disable", set);
  setting->add_option("--payload", changed->payload, "What a login by the code gets from now on, as JSON")->type_name("JSON");
  add_limits(*setting, *changed);
  setting->add_flag("--anybody", changed->anybody, "Guests get the payload too")->excludes("--registered-only");
  setting->add_flag("--no-limit", changed->no_limit, "Any number of scans, without an end")->excludes("--uses")->excludes("--expires-in");
  auto* disable = setting->add_flag("--disable", changed->disable, "It gives nothing to whoever scans it");
  setting->add_flag("--enable", changed->enable, "It does again")->excludes(disable);

  command("scans", "Who has scanned it, newest first", "", scans);
  const auto [linking, link_flags] = command("link", "Make a link that opens as a scan does", " --kind url_link", link);
  linking->add_option("--kind", link_flags->kind, "scheme or url_link (default: scheme)")->type_name("NAME");
  linking->add_option("--expires-in", link_flags->expires_in, "Seconds, up to 30 days (default: 7 days)")->type_name("N");

  const auto [removing, gone] = command("remove", "Remove it, with its picture and its counts", " --yes", remove);
  removing->add_flag("--yes", gone->yes, "Do not ask");
}

}  // namespace kaimen::app
