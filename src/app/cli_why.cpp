// kaimen why ID: what is on record of a request, a user, a session or an openid, in words.
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "http/message.h"

namespace kaimen::app {

namespace {

namespace json = http::json;

struct WhyFlags {
  CommonFlags common;
  std::string id;
  bool json = false;
};

OrFail<> why(const WhyFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  TRY(const auto client, AdminClient::connect(config));
  // An openid means somebody within an app only: APPID/OPENID.
  const size_t slash = flags.id.find('/');
  std::string target = "/admin/v1/why/" + http::url_encode(slash == flags.id.npos ? flags.id : flags.id.substr(slash + 1));
  if (slash != flags.id.npos) target += "?app_id=" + http::url_encode(flags.id.substr(0, slash));
  TRY(const auto answer, client->get(target));
  if (flags.json) {
    std::cout << http::to_text(answer) << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  const auto* lines = answer.as_object().if_contains("lines");
  const auto* list = lines ? lines->if_array() : nullptr;
  if (!list) return fail("the server's answer has no lines");
  for (const auto& line : *list) {
    if (line.is_string()) std::cout << std::string_view(line.get_string()) << '\n';
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_why_command(CLI::App& root, int& exit_status) {
  const auto flags = std::make_shared<WhyFlags>();
  CLI::App& command = add_command(root, "why", "Why was somebody logged out, or refused? From the record, in words", "kaimen why 0190f5c3a1b24c6f8e9d7a5b3c1e2f40");
  add_common_flags(command, flags->common);
  command.add_option("ID", flags->id, "A request id (X-Request-Id), the id of a user or session, or APPID/OPENID")->required();
  command.add_flag("--json", flags->json, "Print JSON");
  command.callback([flags, &exit_status] { exit_status = exit_status_of(why(*flags)); });
}

}  // namespace kaimen::app
