// A platform that does what a test says. Codes, phone codes and tokens are what the test put there; whatever else is asked for is refused as
// WeChat refuses it. Its open data are not JSON but "kind|…" lines: their real shape is the platform's own business and tests.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/outbound.h"
#include "core/platform.h"
#include "core/resolver.h"

namespace kaimen::test {

/// Holds calls back until it is opened, so that a test can have many under way at once.
class Gate {
 public:
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void open() {
    std::vector<std::function<void(bool)>> waiting;
    {
      std::lock_guard lock(mutex_);
      closed_ = false;
      waiting.swap(waiting_);
    }
    for (auto& done : waiting) done(true);
  }
  /// Those who wait go on waiting.
  void let_new_ones_pass() {
    std::lock_guard lock(mutex_);
    closed_ = false;
  }
  size_t waiting() const {
    std::lock_guard lock(mutex_);
    return waiting_.size();
  }
  Task<void> pass() {
    std::function<void(std::function<void(bool)>)> start = [this](std::function<void(bool)> done) {
      {
        std::lock_guard lock(mutex_);
        if (closed_) {
          waiting_.push_back(std::move(done));
          return;
        }
      }
      done(true);
    };
    Wait<bool> wait(std::move(start));
    co_await wait;
  }

 private:
  mutable std::mutex mutex_;
  bool closed_ = false;
  std::vector<std::function<void(bool)>> waiting_;
};

inline core::CallFailure failure(ErrorCode code, int64_t errcode = 0, bool unspent = false) {
  core::CallFailure failed;
  failed.error = make_error(code, "as the test says");
  if (errcode != 0) failed.error.upstream = UpstreamFault{errcode, "rid-" + std::to_string(errcode)};
  failed.code_unspent = unspent;
  return failed;
}

class FakePlatform : public core::Platform {
 public:
  using Exchange = core::CallResult<core::CodeExchange>;

  /// What a code stands for, every time it is brought.
  void code(const std::string& code, const std::string& openid, const std::string& unionid = "", const std::string& key = "") {
    core::CodeExchange identity{openid, unionid, Secret(key.empty() ? std::string(kKey) : key)};
    answer(code, identity);
  }
  void answer(const std::string& code, Exchange what) {
    std::lock_guard lock(mutex_);
    codes_.insert_or_assign(code, std::move(what));
  }
  std::string fresh_code(const std::string& openid, const std::string& unionid = "", const std::string& key = "") {
    const std::string fresh = "code-" + std::to_string(++made_codes_);
    code(fresh, openid, unionid, key);
    return fresh;
  }

  Task<Exchange> exchange_code(core::AppPtr, Secret code, Deadline) override {
    ++exchanges;
    co_await gate.pass();
    if (throws) throw std::runtime_error("the platform broke");
    std::lock_guard lock(mutex_);
    const auto found = codes_.find(code.reveal());
    if (found == codes_.end()) co_return failure(ErrorCode::code_invalid, 40029);
    co_return found->second;
  }

  Task<core::CallResult<core::FetchedToken>> fetch_access_token(core::AppPtr, Deadline) override {
    ++fetches;
    co_await gate.pass();
    std::lock_guard lock(mutex_);
    if (token_failure) co_return *token_failure;
    co_return core::FetchedToken{Secret(token), token_life};
  }
  void set_token(const std::string& text) {
    std::lock_guard lock(mutex_);
    token = text;
  }

  Task<core::CallResult<core::PhoneNumber>> phone_by_code(core::AppPtr, Secret access_token, std::string code, std::string openid, Deadline) override {
    ++phone_calls;
    std::lock_guard lock(mutex_);
    last_openid = openid;
    if (rejected_tokens.contains(access_token.reveal())) {
      core::CallFailure rejected = failure(ErrorCode::upstream_error, 40001);
      rejected.token_rejected = true;
      co_return rejected;
    }
    const auto found = phones.find(code);
    if (found == phones.end()) co_return failure(ErrorCode::code_invalid, 40029);
    co_return core::PhoneNumber{"+86" + found->second, found->second, "86"};
  }

  Task<core::CallResult<bool>> check_session_key(core::AppPtr, Secret, std::string, Secret session_key, Deadline) override {
    ++key_checks;
    std::lock_guard lock(mutex_);
    if (key_check_failure) co_return *key_check_failure;
    co_return !stale_keys.contains(session_key.reveal());
  }
  Task<core::CallResult<Secret>> reset_session_key(core::AppPtr, Secret, std::string, Secret session_key, Deadline) override {
    std::lock_guard lock(mutex_);
    if (stale_keys.contains(session_key.reveal())) co_return failure(ErrorCode::stale_session_key, 87009);
    stale_keys.insert(session_key.reveal());
    co_return Secret(next_key);
  }
  Task<core::CallResult<std::vector<core::EncryptKey>>> encrypt_keys(core::AppPtr, Secret, std::string, Secret session_key, Deadline) override {
    std::lock_guard lock(mutex_);
    if (stale_keys.contains(session_key.reveal())) co_return failure(ErrorCode::stale_session_key, 87009);
    std::vector<core::EncryptKey> keys;
    keys.push_back({Secret("encrypt-key-2"), Secret("iv-2"), 2, Seconds{3600}, from_epoch_ms(1'795'000'000'000)});
    keys.push_back({Secret("encrypt-key-1"), Secret("iv-1"), 1, Seconds{1800}, from_epoch_ms(1'794'998'200'000)});
    co_return keys;
  }
  Task<core::CallResult<core::Verdict>> check_text(core::AppPtr, Secret, std::string, std::string text, Deadline) override {
    std::lock_guard lock(mutex_);
    checked.push_back(text);
    if (content_failure) co_return *content_failure;
    co_return text.find("risky") != text.npos ? core::Verdict::risky : core::Verdict::pass;
  }
  Task<core::CallResult<std::string>> check_picture(core::AppPtr, Secret, std::string, std::string url, Deadline) override {
    std::lock_guard lock(mutex_);
    checked.push_back(url);
    if (content_failure) co_return *content_failure;
    co_return "trace-" + std::to_string(checked.size());
  }
  Task<core::CallResult<core::ProxyAnswer>> pass_on(core::AppPtr, Secret access_token, std::shared_ptr<const core::ProxyCall> call, Deadline) override {
    {
      std::lock_guard lock(mutex_);
      passed.emplace_back(access_token.reveal(), *call);
    }
    co_await proxy_gate.pass();
    std::lock_guard lock(mutex_);
    if (passing_failure) co_return *passing_failure;
    core::ProxyAnswer answer;
    answer.status = 200;
    answer.headers = {{"Content-Type", "application/json"}};
    answer.token_rejected = rejected_tokens.contains(access_token.reveal());
    answer.fault.errcode = answer.token_rejected ? 40001 : passing_errcode;
    answer.body = R"({"errcode":)" + std::to_string(answer.fault.errcode) + "}";
    co_return answer;
  }

  // What a test says is in a push, by its body; a signature of "wrong" fits none.
  void push(const std::string& body, core::PushMessage message) {
    std::lock_guard lock(mutex_);
    pushes_.insert_or_assign(body, std::move(message));
  }
  bool is_push_check(const core::App&, const core::Push& push) const override { return push.signature != "wrong"; }
  std::optional<core::PushMessage> open_push(const core::App&, const core::Push& push) const override {
    std::lock_guard lock(mutex_);
    const auto found = pushes_.find(push.body);
    if (push.signature == "wrong" || found == pushes_.end()) return std::nullopt;
    return found->second;
  }
  Result<core::PushReply> seal_push_reply(const core::App&, const core::Push& push, Time) const override {
    return core::PushReply{"text/sealed", "success for " + push.body};
  }

  // "user|appid|at ms|openid|nickname|avatar|gender", "phone|appid|at ms|national", "raw|nickname|avatar|gender"
  std::optional<core::OpenUserInfo> read_user_info(std::string_view plaintext) const override {
    const auto part = parts(plaintext);
    if (part.size() != 7 || part[0] != "user") return std::nullopt;
    core::OpenUserInfo info = profile(part, 4);
    info.watermark = {part[1], from_epoch_ms(std::stoll(part[2]))};
    info.openid = part[3];
    return info;
  }
  std::optional<core::OpenPhone> read_phone(std::string_view plaintext) const override {
    const auto part = parts(plaintext);
    if (part.size() != 4 || part[0] != "phone") return std::nullopt;
    return core::OpenPhone{{"+86" + part[3], part[3], "86"}, {part[1], from_epoch_ms(std::stoll(part[2]))}};
  }
  // "kind|appid|at ms|…"
  std::optional<core::Watermark> read_watermark(std::string_view plaintext) const override {
    const auto part = parts(plaintext);
    if (part.size() < 3 || part[0].empty()) return std::nullopt;
    return core::Watermark{part[1], from_epoch_ms(std::stoll(part[2]))};
  }
  std::optional<core::OpenUserInfo> read_raw_user_info(std::string_view raw_data) const override {
    const auto part = parts(raw_data);
    if (part.size() != 4 || part[0] != "raw") return std::nullopt;
    return profile(part, 1);
  }

  static constexpr std::string_view kKey = "AAECAwQFBgcICQoLDA0ODw==";
  std::vector<std::pair<std::string, core::ProxyCall>> passed;  ///< Token and call.
  std::optional<core::CallFailure> passing_failure;
  int64_t passing_errcode = 0;
  Seconds token_life{7200};
  Gate proxy_gate;
  std::atomic<int> exchanges{0}, fetches{0}, phone_calls{0}, key_checks{0};
  std::set<std::string> stale_keys;                      ///< session_keys that WeChat has given up.
  std::optional<core::CallFailure> key_check_failure, content_failure;
  std::string next_key = "EBESExQVFhcYGRobHB0eHw==";     ///< What reset_session_key makes.
  std::vector<std::string> checked;                      ///< Texts and URLs of pictures that WeChat was asked about.
  std::atomic<bool> throws{false};
  Gate gate;  ///< Before the answers of exchange_code and fetch_access_token.
  std::string token = "token-1";
  std::optional<core::CallFailure> token_failure;
  std::set<std::string> rejected_tokens;
  std::map<std::string, std::string> phones;  ///< code → national number
  std::string last_openid;

 private:
  static std::vector<std::string> parts(std::string_view text) {
    std::vector<std::string> found;
    for (;;) {
      const size_t end = text.find('|');
      found.emplace_back(text.substr(0, end));
      if (end == text.npos) return found;
      text.remove_prefix(end + 1);
    }
  }
  static core::OpenUserInfo profile(const std::vector<std::string>& part, size_t at) {
    core::OpenUserInfo info;
    info.nickname = part[at];
    info.avatar_url = part[at + 1];
    info.gender = std::stoi(part[at + 2]);
    return info;
  }

  mutable std::mutex mutex_;
  std::map<std::string, core::PushMessage> pushes_;
  std::map<std::string, Exchange> codes_;
  std::atomic<int> made_codes_{0};
};

class FakePlatforms final : public core::Platforms {
 public:
  explicit FakePlatforms(core::Platform& platform, core::Platform* component = nullptr) : platform_(platform), component_(component) {}
  core::Platform* find(std::string_view name) const override {
    return name == "wechat" ? &platform_ : name == "wechat_component" ? component_ : nullptr;
  }

 private:
  core::Platform& platform_;
  core::Platform* component_;
};

/// A way out that leads to the test: each request is kept, and answered by `answer`.
/// A team's backend that knows whoever a test has told it.
class FakeResolver final : public core::Resolver {
 public:
  Task<Result<std::optional<core::ResolvedUser>>> ask(core::WhoIs who, Time, Deadline) override {
    std::function<Result<std::optional<core::ResolvedUser>>(const core::WhoIs&)> now;
    {
      std::lock_guard lock(mutex_);
      asked_.push_back(who);
      now = answer_;
    }
    co_return now(who);
  }
  void answer(std::function<Result<std::optional<core::ResolvedUser>>(const core::WhoIs&)> answer) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  std::vector<core::WhoIs> asked() const {
    std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<core::WhoIs> asked_;
  std::function<Result<std::optional<core::ResolvedUser>>(const core::WhoIs&)> answer_ = [](const auto&) { return std::nullopt; };
};

class FakeOutbound final : public core::Outbound {
 public:
  Task<Result<core::OutboundAnswer>> send(core::OutboundRequest request) override {
    std::function<Result<core::OutboundAnswer>(const core::OutboundRequest&)> now;
    {
      std::lock_guard lock(mutex_);
      sent_.push_back(request);
      now = answer_;
    }
    co_return now(request);
  }
  void answer(std::function<Result<core::OutboundAnswer>(const core::OutboundRequest&)> answer) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  std::vector<core::OutboundRequest> sent() const {
    std::lock_guard lock(mutex_);
    return sent_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<core::OutboundRequest> sent_;
  std::function<Result<core::OutboundAnswer>(const core::OutboundRequest&)> answer_ = [](const auto&) { return core::OutboundAnswer{200, "", ""}; };
};

}  // namespace kaimen::test
