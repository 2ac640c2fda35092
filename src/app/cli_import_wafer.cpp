// kaimen import wafer URL: the users of wafer's session server, read from its database and sent through the admin API, as
// `kaimen import users` sends those of a file. A user who is here already keeps what they have said of themselves, so it may be run days
// before the move, and again after it.
#include <algorithm>
#include <array>
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "app/store_url.h"
#include "app/wafer_user.h"
#include "http/message.h"
#include "store/wafer_tables.h"

namespace kaimen::app {

namespace {

namespace json = http::json;

constexpr size_t kBatch = 40;  // rows: with the longest of names and addresses they fit into one request
constexpr std::array<const char*, 4> kOutcomes{"created", "updated", "unchanged", "refused"};

struct WaferFlags {
  CommonFlags common;
  std::string url;
  std::optional<std::string> app_id, password_file;
  bool dry_run = false, json = false;
};

OrFail<std::unique_ptr<store::WaferTables>> open(const WaferFlags& flags, const Config& config) {
  Config there = config;
  there.store_url = flags.url;
  there.store_password_file = flags.password_file.value_or("");
  const bool is_mysql = flags.url.starts_with("mysql://") || flags.url.starts_with("mariadb://");
  if (!is_mysql) return misconfigured("the URL must be mysql://USER@HOST/cAuth");
  if (const auto problem = problem_of_server_url(flags.url)) return misconfigured(*problem);
  if (flags.password_file && has_password(flags.url)) return misconfigured("--password-file: the URL has a password already");
  TRY(const Secret url, url_to_connect(there));
  auto opened = store::WaferTables::open(url.reveal());
  if (!opened) return fail(without_password(flags.url) + ": " + opened.error().detail);
  return std::move(opened.value());
}

// The rows do not say which mini program they are of; the first version kept its appid beside them.
OrFail<std::string> app_of(store::WaferTables& tables, const WaferFlags& flags) {
  const auto known = tables.app_ids();
  if (!known) return fail("cAppinfo: " + known.error().detail);
  const auto& ids = known.value();
  if (!flags.app_id) {
    if (ids.size() == 1) return ids.front();
    return misconfigured("which mini program are these users of?", "--app wx…");
  }
  if (!ids.empty() && std::ranges::find(ids, *flags.app_id) == ids.end()) {
    return misconfigured("cAppinfo is of " + ids.front() + ", not of " + *flags.app_id);
  }
  return *flags.app_id;
}

OrFail<std::string> project_of(AdminClient& client, const std::string& app_id) {
  TRY(const auto app, client.get("/admin/v1/apps/" + http::url_encode(app_id)));
  return text_member(app, "project");
}

class WaferImport {
 public:
  WaferImport(AdminClient& client, std::string app_id, std::string project, bool dry_run)
      : client_(client), app_id_(std::move(app_id)), project_(std::move(project)), dry_run_(dry_run) {}

  OrFail<> run(store::WaferTables& tables) {
    for (;;) {
      const auto rows = tables.next(kBatch);
      if (!rows) return fail("cSessionInfo: " + rows.error().detail);
      if (rows.value().empty()) return BOOST_OUTCOME_V2_NAMESPACE::success();
      TRY(send(rows.value()));
    }
  }
  json::object sum() const {
    json::object sum{{"dry_run", dry_run_}, {"app_id", app_id_}, {"rows", rows_}};
    for (size_t i = 0; i < kOutcomes.size(); ++i) sum[kOutcomes[i]] = counts_[i];
    return sum;
  }
  int64_t refused() const { return counts_[3]; }

 private:
  OrFail<> send(const std::vector<store::WaferRow>& rows) {
    json::array users;
    std::vector<std::string> openids;
    for (const auto& row : rows) {
      ++rows_;
      auto line = import_line_of(row, app_id_);
      if (!line) {
        refuse("", "the row has no open_id");
        continue;
      }
      users.push_back(std::move(*line));
      openids.push_back(row.openid);
    }
    if (users.empty()) return BOOST_OUTCOME_V2_NAMESPACE::success();
    json::object body{{"project", project_}, {"dry_run", dry_run_}, {"users", std::move(users)}};
    TRY(const auto answer, client_.post("/admin/v1/users/import", body));
    const auto* results = answer.as_object().if_contains("results");
    const auto* list = results ? results->if_array() : nullptr;
    if (!list || list->size() != openids.size()) return fail("the server's answer has not one result a user");
    for (size_t i = 0; i < openids.size(); ++i) {
      const std::string outcome = text_member(list->at(i), "outcome");
      if (outcome == "refused") refuse(openids[i], text_member(list->at(i), "detail"));
      for (size_t kind = 0; kind + 1 < kOutcomes.size(); ++kind) counts_[kind] += outcome == kOutcomes[kind] ? 1 : 0;
    }
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  void refuse(const std::string& openid, const std::string& why) {
    ++counts_[3];
    std::cerr << "refused " << (openid.empty() ? "a row" : openid) << ": " << why << '\n';
  }

  AdminClient& client_;
  const std::string app_id_, project_;
  const bool dry_run_;
  int64_t rows_ = 0;
  std::array<int64_t, 4> counts_{};
};

OrFail<> import_wafer(const WaferFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  TRY(const auto tables, open(flags, config));
  TRY(const std::string app_id, app_of(*tables, flags));
  TRY(const auto client, AdminClient::connect(config));
  TRY(auto project, project_of(*client, app_id));
  WaferImport import(*client, app_id, std::move(project), flags.dry_run);
  const auto done = import.run(*tables);
  const json::object sum = import.sum();
  if (flags.json) {
    std::cout << http::to_text(sum) << '\n';
  } else {
    std::cout << (flags.dry_run ? "dry run, nothing was kept: " : "");
    for (const char* outcome : kOutcomes) std::cout << http::to_text(sum.at(outcome)) << ' ' << outcome << ", ";
    std::cout << "of " << http::to_text(sum.at("rows")) << " rows of wafer's " << (tables->first_version() ? "first version" : "second version") << '\n';
  }
  if (!done) {
    Failure failure = done.error();
    failure.hint = "run it again: what is in already is found unchanged";
    return failure;
  }
  if (import.refused() > 0) return fail(std::to_string(import.refused()) + " rows were refused");
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_import_wafer_command(CLI::App& family, int& exit_status) {
  const auto flags = std::make_shared<WaferFlags>();
  CLI::App& command = add_command(family, "wafer", "The users of a session server of Tencent's wafer, of either version",
                                  "kaimen import wafer mysql://wafer@127.0.0.1/cAuth --password-file cauth.password --app wx0123456789abcdef --dry-run");
  command.add_option("URL", flags->url, "mysql://USER@HOST/cAuth, its database")->required();
  command.add_option("--app", flags->app_id, "The mini program they are of; needed where the database does not say")->type_name("APPID");
  command.add_option("--password-file", flags->password_file, "The database's password, which is then seen by nobody")->type_name("FILE");
  command.add_flag("--dry-run", flags->dry_run, "Say what would come of it, and keep nothing");
  command.add_flag("--json", flags->json, "Print the sum as JSON");
  add_common_flags(command, flags->common);
  command.callback([flags, &exit_status] { exit_status = exit_status_of(import_wafer(*flags)); });
}

}  // namespace kaimen::app
