#include "app/golive.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/admin_client.h"
#include "app/app_check.h"
#include "app/config_checks.h"
#include "base/clock.h"
#include "http/client.h"
#include "http/message.h"
#include "http/tls_probe.h"

namespace kaimen::app {

namespace {

using State = Finding::State;
constexpr auto kSoon = std::chrono::days(21);  // before its end a certificate should have been renewed
constexpr uint16_t kHttps = 443;

struct Address {
  std::string host;
  uint16_t port = kHttps;
  std::string text() const { return port == kHttps ? host : host + ":" + std::to_string(port); }
};

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' && std::ranges::all_of(label, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// What is wrong with it as an address in WeChat's console; the address if nothing is.
OrFail<Address> address_of(const std::string& url) {
  const auto wrong = [&url](const std::string& what) { return misconfigured(url + ": " + what, "like this: kaimen golive https://api.example.com"); };
  const auto parsed = http::BaseUrl::parse(url);
  if (!parsed || !url.starts_with("https://")) return wrong("WeChat's clients call https addresses alone");
  if (!parsed->prefix.empty()) return wrong("the console takes no path behind the name");
  const std::string& host = parsed->host;
  if (host == "api.weixin.qq.com") return wrong("this is WeChat's own address, which no mini program may call");
  if (host.find(':') != host.npos || std::ranges::all_of(host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; })) return wrong("the console takes no IP address");
  size_t labels = 0;
  std::istringstream parts(host);
  for (std::string label; std::getline(parts, label, '.'); ++labels) {
    if (!is_label(label)) return wrong("a name has small letters, digits, - and dots; one in Chinese is written in its xn-- form");
  }
  if (labels < 2) return wrong("the name must be a whole one, as the internet knows it");
  return Address{host, parsed->port};
}

class Looker {
 public:
  Looker(const GoLive& ask, const Config& config, Address address) : ask_(ask), config_(config), address_(std::move(address)) {
    target_.host = address_.host;
    target_.port = address_.port;
    target_.ca_file = ask.ca_file;
    if (const auto connect = parse_listen(ask.connect)) {
      target_.connect_host = connect->host;
      target_.connect_port = connect->port;
    }
  }

  OrFail<GoLiveReport> run() {
    if (tls()) {
      server();
      closed();
      root_files();
    }
    own_url();
    TRY(const auto client, AdminClient::connect(config_));
    TRY(const auto apps, apps_of(*client));
    for (const auto& app : apps) secret(*client, app);
    console_lines(apps);
    return std::move(report_);
  }

 private:
  std::string say(const char* en, const char* zh) const { return ask_.language == Language::zh ? zh : en; }
  void add(State state, std::string subject, std::string what, std::string hint = "") {
    report_.findings.push_back({state, std::move(subject), std::move(what), std::move(hint)});
  }

  /// The handshake and the certificate; false: nothing can be asked.
  bool tls() {
    const std::string subject = say("connection", "连接");
    const auto seen = http::look_at_tls(target_);
    if (!seen) {
      add(State::fail, subject, seen.error().detail, say("does the name point to this server, is the port open, does TLS end there?", "域名是否解析到本服务器、端口是否开放、是否配置了 TLS？"));
      return false;
    }
    const http::TlsSight& sight = seen.value();
    add(State::ok, subject, address_.text() + " → " + sight.address + ", " + sight.version);
    if (address_.port != kHttps) {
      add(State::warn, say("port", "端口"), std::to_string(address_.port),
          say("the console's line, and every address in the mini program, must name exactly this port", "后台填写的域名和小程序里的地址必须带上完全相同的端口"));
    }
    http::TlsTarget older = target_;
    older.only_tls_1_2 = true;
    const auto with_1_2 = http::look_at_tls(older);
    if (with_1_2) add(State::ok, "TLS 1.2", say("spoken", "支持"));
    else add(State::fail, "TLS 1.2", with_1_2.error().detail, say("older phones speak nothing newer: let the server speak 1.2 and 1.3", "旧手机最高只支持 1.2：请同时开启 1.2 和 1.3"));
    certificate(sight);
    return true;
  }

  void certificate(const http::TlsSight& sight) {
    const std::string subject = say("certificate", "证书");
    std::string names;
    for (const auto& name : sight.names) names += (names.empty() ? "" : ", ") + name;
    if (sight.name_fits) add(State::ok, subject, say("is for ", "适用于 ") + address_.host);
    else add(State::fail, subject, say("is not for ", "不适用于 ") + address_.host + (names.empty() ? "" : say(", but for ", "，而是 ") + names), say("issue one for this name", "为该域名重新签发证书"));

    const Time now = SystemClock().now();
    const std::string chain = say("certificate chain", "证书链");
    const std::string sent = std::to_string(sight.sent.size()) + say(" sent", " 张");
    if (now < sight.not_before || now >= sight.not_after) {
      add(State::fail, chain, say("the certificate holds from ", "证书有效期自 ") + rfc3339(sight.not_before) + say(" to ", " 至 ") + rfc3339(sight.not_after), say("renew it", "更新证书"));
    } else if (sight.issuer_missing) {
      add(State::fail, chain, say("incomplete: ", "不完整：") + sent + ", " + sight.sent.back(),
          say("browsers fetch what is missing, phones do not: serve the full chain (fullchain.pem), the server's own certificate first",
              "浏览器会自动补全，手机不会：请部署完整证书链（fullchain.pem），服务器证书在前"));
    } else if (sight.problem != 0) {
      add(State::fail, chain, sight.problem_text, say("take a certificate of an authority that phones trust", "请使用手机信任的机构签发的证书"));
    } else {
      add(State::ok, chain, say("complete: ", "完整：") + sent);
    }
    const auto days = std::chrono::duration_cast<std::chrono::days>(sight.first_end - now).count();
    if (now < sight.first_end) {
      const bool soon = sight.first_end - now < kSoon;
      add(soon ? State::warn : State::ok, say("expiry", "到期"), rfc3339(sight.first_end) + say(", in days: ", "，剩余天数：") + std::to_string(days),
          soon ? say("renew it now, and see why that does not happen by itself", "请立即更新，并检查自动续期") : "");
    }
  }

  /// That it is Kaimen which answers, with nothing in between that eats headers or redirects.
  void server() {
    const std::string subject = say("server", "服务");
    const auto reply = http::get_over_tls(target_, "/v1/session");
    if (!reply) return add(State::fail, subject, reply.error().detail, say("does the proxy pass requests on?", "代理是否转发了请求？"));
    const int status = reply.value().status;
    if (status >= 300 && status < 400) {
      return add(State::fail, subject, say("redirects to ", "重定向到 ") + reply.value().header("Location"), say("wx.request loses a POST's body on the way: answer here", "wx.request 会丢失 POST 内容：请直接响应"));
    }
    const bool ours = status == 401 && reply.value().header("Content-Type").starts_with("application/problem+json") && !reply.value().header("X-Request-Id").empty();
    if (!ours) return add(State::fail, subject, say("something else than Kaimen answers, with ", "响应的不是 Kaimen，状态码 ") + std::to_string(status), say("let the proxy pass every path to the public listener, and answers with all their headers", "请让代理把所有路径转发到公共监听端口，并保留响应头"));
    add(State::ok, subject, say("Kaimen answers", "Kaimen 已响应"));
  }

  /// What is for backends alone must not be seen from outside.
  void closed() {
    for (const char* path : {"/metrics", "/admin/v1/apps", "/verify", "/openapi.json"}) {
      const auto reply = http::get_over_tls(target_, path);
      if (reply && reply.value().status != 404) {
        add(State::fail, say("private routes", "内部接口"), std::string(path) + say(" can be reached from outside: ", " 可从外部访问：") + std::to_string(reply.value().status),
            say("the proxy must pass requests to public.listen, never to private.listen", "代理只能转发到 public.listen，绝不能转发到 private.listen"));
        return;
      }
    }
    add(State::ok, say("private routes", "内部接口"), say("are shut", "未对外开放"));
  }

  void root_files() {
    if (config_.public_root_files.empty()) return;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(config_.public_root_files, ignored)) {
      const std::string name = entry.path().filename().string();
      if (!name.ends_with(".txt")) continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      const auto reply = http::get_over_tls(target_, "/" + name);
      const std::string subject = say("verification file", "校验文件");
      if (reply && reply.value().status == 200 && reply.value().body == text.str()) add(State::ok, subject, "/" + name);
      else add(State::fail, subject, "/" + name + say(" is not served as it stands in ", " 的内容与目录中不一致：") + config_.public_root_files, say("the proxy must pass it on, and the file must be on every node", "代理需要转发它，且每个节点都要有该文件"));
    }
  }

  void own_url() {
    const std::string wanted = "https://" + address_.text();
    if (config_.public_url == wanted) return add(State::ok, "public.url", wanted);
    add(State::warn, "public.url", config_.public_url.empty() ? say("not set", "未设置") : config_.public_url, say("set it to ", "请设置为 ") + wanted);
  }

  OrFail<http::json::array> apps_of(AdminClient& client) {
    http::json::array apps;
    for (const auto& app_id : ask_.apps) {
      TRY(auto app, client.get("/admin/v1/apps/" + http::url_encode(app_id)));
      apps.push_back(std::move(app));
    }
    if (!ask_.apps.empty()) return apps;
    return client.list("/admin/v1/apps?limit=200");
  }

  void secret(AdminClient& client, const http::json::value& app) {
    const std::string app_id = text_member(app, "app_id"), subject = "AppSecret " + app_id;
    const auto answer = client.post("/admin/v1/apps/" + http::url_encode(app_id) + "/check", {});
    if (!answer) return add(State::fail, subject, answer.error().errors.front(), answer.error().hint);
    const AppVerdict verdict = read_app_check(answer.value());
    add(verdict.good ? State::ok : State::fail, subject, verdict.good ? say("WeChat accepts appid and secret", "微信接受该 AppID 和 AppSecret") : verdict.what, verdict.hint);
  }

  void console_lines(const http::json::array& apps) {
    const std::string name = address_.text();
    const auto line = [this](const char* en, const char* zh, std::string value) { report_.console_lines.emplace_back(say(en, zh), std::move(value)); };
    line("request domain", "request 合法域名", "https://" + name);
    line("uploadFile domain", "uploadFile 合法域名", "https://" + name);
    line("downloadFile domain", "downloadFile 合法域名", "https://" + name);
    line("socket domain", "socket 合法域名", "wss://" + name);
    line("web-view domain", "业务域名", "https://" + name);
    for (const auto& app : apps) {
      const std::string app_id = text_member(app, "app_id");
      line("push URL of ", "消息推送 URL ", "https://" + name + "/push/wechat/" + app_id);
      report_.console_lines.back().first += app_id;
    }
  }

  const GoLive& ask_;
  const Config& config_;
  const Address address_;
  http::TlsTarget target_;
  GoLiveReport report_;
};

}  // namespace

OrFail<GoLiveReport> look_at_golive(const GoLive& ask, const Config& config) {
  TRY(auto address, address_of(ask.url));
  return Looker(ask, config, std::move(address)).run();
}

}  // namespace kaimen::app
