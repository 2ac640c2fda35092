// kaimen session …: who is logged in where, through the admin API.
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "app/table.h"
#include "http/message.h"

namespace kaimen::app {

namespace {

struct SessionFlags {
  CommonFlags common;
  std::optional<std::string> id, user, app_id;
  bool json = false;
};

std::string sessions_of(const SessionFlags& flags) { return "/admin/v1/users/" + http::url_encode(*flags.user) + "/sessions"; }

OrFail<> list(const SessionFlags& flags) {
  TRY(const auto client, connect(flags.common));
  TRY(const auto sessions, client->list(sessions_of(flags)));
  if (flags.json) {
    std::cout << http::to_text(sessions) << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& session : sessions) {
    const auto* device = session.as_object().if_contains("device");
    rows.push_back({text_member(session, "id"), text_member(session, "app_id"), text_member(session, "env"), text_member(session, "created_at"),
                    text_member(session, "last_renewed_at"), text_member(session, "idle_expires_at"), device ? text_member(*device, "model") : ""});
  }
  std::cout << table({"SESSION", "APP ID", "ENV", "CREATED", "RENEWED", "EXPIRES", "DEVICE"}, rows);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> end(const SessionFlags& flags) {
  if (flags.id.has_value() == flags.user.has_value()) return misconfigured("name one session, or --user", "kaimen session list USER shows a user's sessions");
  TRY(const auto client, connect(flags.common));
  if (flags.id) {
    TRY(client->remove("/admin/v1/sessions/" + http::url_encode(*flags.id)));
    std::cout << "ended " << *flags.id << '\n';
  } else {
    TRY(client->remove(sessions_of(flags) + (flags.app_id ? "?app_id=" + http::url_encode(*flags.app_id) : "")));
    std::cout << "ended all sessions of " << *flags.user << (flags.app_id ? " in " + *flags.app_id : "") << '\n';
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_session_commands(CLI::App& root, int& exit_status) {
  CLI::App& family = add_command(root, "session", "Sessions of users: list, end", "kaimen session list 0190f5c3a1b24c6f8e9d7a5b3c1e2f40");
  family.require_subcommand(1);
  const auto command = [&](const char* name, const char* what, const char* example, OrFail<> (*act)(const SessionFlags&)) {
    return add_verb(family, name, what, example, act, exit_status);
  };
  const auto [list_sessions, list_flags] = command("list", "A user's live sessions", "kaimen session list 0190f5c3a1b24c6f8e9d7a5b3c1e2f40", list);
  list_sessions->add_option("USER", list_flags->user, "The user's id")->required();
  list_sessions->add_flag("--json", list_flags->json, "Print JSON");

  const auto [end_session, end_flags] = command("end", "End one session, or all of a user", "kaimen session end --user 0190f5c3a1b24c6f8e9d7a5b3c1e2f40", end);
  end_session->add_option("SESSION", end_flags->id, "The session's id");
  auto* user = end_session->add_option("--user", end_flags->user, "All of this user")->type_name("ID");
  end_session->add_option("--app", end_flags->app_id, "But only in this mini program")->type_name("APPID")->needs(user);
}

}  // namespace kaimen::app
