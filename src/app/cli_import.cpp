// kaimen import users FILE: a team's own user table, through the admin API, a batch at a time. Nothing is kept in memory but the batch, and
// nothing is remembered beside the store: run it again, and what is in already is found unchanged.
#include <array>
#include <fstream>
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "base/limits.h"

namespace kaimen::app {

namespace {

namespace json = http::json;

constexpr size_t kBatchUsers = 200;
constexpr size_t kBatchBytes = limits::kBodyBytes - 4096;  // of the lines as they stand in the file; a request holds them as compact JSON
constexpr std::array<const char*, 4> kOutcomes{"created", "updated", "unchanged", "refused"};

struct ImportFlags {
  CommonFlags common;
  std::string file, project;
  bool dry_run = false, webhooks = false, verbose = false, json = false;
};

class Import {
 public:
  Import(AdminClient& client, const ImportFlags& flags) : client_(client), flags_(flags) {}

  OrFail<> run(std::istream& in) {
    std::string text;
    while (next_line(in, text)) {
      ++line_;
      if (text.ends_with('\r')) text.pop_back();
      if (text.find_first_not_of(" \t") == text.npos) continue;
      if (text.size() > kBatchBytes) {
        refuse(line_, "invalid_request", "the line is longer than " + std::to_string(kBatchBytes) + " bytes");
        continue;
      }
      auto parsed = http::parse_json(text);
      if (!parsed) {
        refuse(line_, "invalid_request", parsed.error().detail);
        continue;
      }
      // What the parsed form writes can be longer than what stood there.
      const size_t bytes = http::to_text(parsed.value()).size() + 1;
      if (bytes > kBatchBytes) {
        refuse(line_, "invalid_request", "the user is longer than " + std::to_string(kBatchBytes) + " bytes");
        continue;
      }
      if (bytes_ + bytes > kBatchBytes || users_.size() == kBatchUsers) {
        TRY(send());
      }
      bytes_ += bytes;
      users_.push_back(std::move(parsed.value()));
      lines_.push_back(line_);
    }
    TRY(send());
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }

  void print_sum() const {
    if (flags_.json) {
      json::object sum{{"dry_run", flags_.dry_run}, {"lines", line_}};
      for (size_t i = 0; i < kOutcomes.size(); ++i) sum[kOutcomes[i]] = counts_[i];
      std::cout << http::to_text(sum) << '\n';
      return;
    }
    std::cout << (flags_.dry_run ? "dry run, nothing was kept: " : "");
    for (size_t i = 0; i < kOutcomes.size(); ++i) std::cout << (i == 0 ? "" : ", ") << counts_[i] << ' ' << kOutcomes[i];
    std::cout << " of " << line_ << " lines\n";
  }
  /// Every line up to this one has its outcome.
  int64_t done() const { return done_; }
  int64_t refused() const { return counts_[3]; }

 private:
  // A line that is too long is read to its end, but not kept.
  bool next_line(std::istream& in, std::string& text) {
    text.clear();
    std::streambuf* const buffer = in.rdbuf();
    bool any = false;
    for (int c = buffer->sbumpc(); c != std::streambuf::traits_type::eof(); c = buffer->sbumpc()) {
      any = true;
      if (c == '\n') return true;
      if (text.size() <= kBatchBytes) text.push_back(static_cast<char>(c));
    }
    return any;
  }

  OrFail<> send() {
    if (!users_.empty()) {
      json::object body{{"dry_run", flags_.dry_run}, {"users", std::move(users_)}};
      if (flags_.webhooks) body["webhooks"] = true;
      if (!flags_.project.empty()) body["project"] = flags_.project;
      TRY(const auto answer, client_.post("/admin/v1/users/import", body));
      const auto* results = answer.as_object().if_contains("results");
      const auto* list = results ? results->if_array() : nullptr;
      if (!list || list->size() != lines_.size()) return fail("the server's answer has not one result a line");
      for (size_t i = 0; i < lines_.size(); ++i) take(lines_[i], list->at(i));
    }
    users_ = {};
    lines_.clear();
    bytes_ = 0;
    done_ = line_ - 1;
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }

  void take(int64_t line, const json::value& result) {
    const std::string outcome = text_member(result, "outcome");
    if (outcome == "refused") return refuse(line, text_member(result, "code"), text_member(result, "detail"));
    for (size_t i = 0; i < kOutcomes.size(); ++i) counts_[i] += outcome == kOutcomes[i] ? 1 : 0;
    if (flags_.verbose) report(line, outcome + " " + text_member(result, "user_id"));
  }
  void refuse(int64_t line, const std::string& code, const std::string& why) {
    ++counts_[3];
    report(line, "refused: " + code + ": " + why);
  }
  // Beside the sum, which alone goes to stdout with --json.
  void report(int64_t line, const std::string& what) const { (flags_.json ? std::cerr : std::cout) << "line " << line << ": " << what << '\n'; }

  AdminClient& client_;
  const ImportFlags& flags_;
  json::array users_;
  std::vector<int64_t> lines_;
  size_t bytes_ = 0;
  int64_t line_ = 0, done_ = 0;
  std::array<int64_t, 4> counts_{};
};

OrFail<> import_users(const ImportFlags& flags) {
  std::ifstream file;
  if (flags.file != "-") {
    file.open(flags.file, std::ios::binary);
    if (!file) return misconfigured("cannot read " + flags.file, "FILE has one JSON object a line; - reads stdin");
  }
  TRY(const auto config, config_of(flags.common));
  TRY(const auto client, AdminClient::connect(config));
  Import import(*client, flags);
  const auto done = import.run(flags.file == "-" ? std::cin : file);
  import.print_sum();
  if (!done) {
    Failure failure = done.error();
    failure.hint = "lines up to " + std::to_string(import.done()) + " are done; run it again, what is in already is found unchanged";
    return failure;
  }
  if (import.refused() > 0) return fail(std::to_string(import.refused()) + " lines were refused", "mend them and run it again: what is in already is found unchanged");
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_import_commands(CLI::App& root, int& exit_status) {
  CLI::App& family = add_command(root, "import", "Take over what another system has: users", "kaimen import users users.ndjson --dry-run");
  family.require_subcommand(1);
  const auto flags = std::make_shared<ImportFlags>();
  CLI::App& command = add_command(family, "users", "Your own user table, one JSON object a line", "kaimen import users users.ndjson --dry-run");
  command.add_option("FILE", flags->file, "One JSON object a line; - reads stdin")->required();
  command.add_option("--project", flags->project, "The users' project (default: default)")->type_name("NAME");
  command.add_flag("--dry-run", flags->dry_run, "Say what would come of each line, and keep nothing");
  command.add_flag("--webhooks", flags->webhooks, "Tell the project's webhooks of each user who is made or changed (default: not, they would be flooded)");
  command.add_flag("--verbose", flags->verbose, "Name what came of every line, not only of those refused");
  command.add_flag("--json", flags->json, "Print the sum as JSON; lines go to stderr");
  add_common_flags(command, flags->common);
  command.callback([flags, &exit_status] { exit_status = exit_status_of(import_users(*flags)); });
  add_import_wafer_command(family, exit_status);
}

}  // namespace kaimen::app
