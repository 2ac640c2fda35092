// kaimen golive URL: before real phones come.
#include <iostream>

#include "app/cli.h"
#include "app/golive.h"
#include "app/table.h"
#include "http/json.h"

namespace kaimen::app {

namespace {

struct GoLiveFlags {
  CommonFlags common;
  GoLive ask;
  std::string language = "en";
  bool json = false;
};

OrFail<> golive(const GoLiveFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  GoLive ask = flags.ask;
  ask.language = flags.language == "zh" ? Language::zh : Language::en;
  const bool zh = ask.language == Language::zh;
  TRY(const auto report, look_at_golive(ask, config));
  if (flags.json) {
    http::json::object lines;
    for (const auto& [field, value] : report.console_lines) lines[field] = value;
    auto findings = http::parse_json(findings_as_json(report.findings));
    std::cout << http::to_text(http::json::object{{"findings", std::move(findings.value())}, {"console", std::move(lines)}}) << '\n';
  } else {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [field, value] : report.console_lines) rows.push_back({field, value});
    std::cout << findings_as_text(report.findings) << (zh ? "\n填写到微信公众平台（mp.weixin.qq.com → 管理 → 开发管理 → 开发设置）：\n\n" : "\nFor WeChat's console (mp.weixin.qq.com → 管理 → 开发管理 → 开发设置):\n\n")
              << table({zh ? "项目" : "FIELD", zh ? "内容" : "VALUE"}, rows);
  }
  for (const auto& finding : report.findings) {
    if (finding.state == Finding::State::fail) return fail(zh ? "真机上会失败" : "this would fail on real phones", finding.hint);
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_golive_command(CLI::App& root, int& exit_status) {
  const auto flags = std::make_shared<GoLiveFlags>();
  CLI::App& command = add_command(root, "golive", "Look at what fails only on real phones, and print the lines for WeChat's console", "kaimen golive https://api.example.com --lang zh");
  command.add_option("URL", flags->ask.url, "The address that the mini program will call")->required();
  command.add_option("--lang", flags->language, "en or zh")->check([](const std::string& text) { return text == "en" || text == "zh" ? std::string() : std::string("en or zh"); });
  command.add_option("--app", flags->ask.apps, "Try the AppSecret of these alone")->type_name("APPID");
  command.add_option("--connect", flags->ask.connect, "Connect there instead of where the name points (before it does)")->type_name("ADDR:PORT");
  command.add_option("--ca", flags->ask.ca_file, "Trust these certificates, too; phones will not")->type_name("FILE");
  command.add_flag("--json", flags->json, "Print JSON");
  add_common_flags(command, flags->common);
  command.callback([flags, &exit_status] { exit_status = exit_status_of(golive(*flags)); });
}

}  // namespace kaimen::app
