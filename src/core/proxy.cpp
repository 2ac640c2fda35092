#include "core/proxy.h"

#include "core/app_disabled.h"

namespace kaimen::core {

namespace {

// A body is here as it came, as it is sent, and once more in the sending.
constexpr size_t kCopies = 3;
constexpr const char* kOther = "other";

Error busy(const char* what) {
  Error error = make_error(ErrorCode::unavailable, what);
  error.retry_after = Seconds{1};
  return error;
}

/// Whose answers are files.
bool is_media(std::string_view path) { return path.starts_with("cgi-bin/media/") || path.starts_with("cgi-bin/material/"); }

/// A part of the budget, held while the call is under way.
class Budget {
 public:
  Budget(std::atomic<size_t>& taken, size_t bytes) : taken_(taken), bytes_(bytes) { before_ = taken_.fetch_add(bytes_); }
  ~Budget() { taken_.fetch_sub(bytes_); }
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  bool fits() const { return before_ + bytes_ <= limits::kProxyBudgetBytes; }

 private:
  std::atomic<size_t>& taken_;
  const size_t bytes_;
  size_t before_ = 0;
};

}  // namespace

Task<Result<ProxyAnswer>> Proxy::pass(AppPtr app, ProxyCall call, Trace* trace) {
  CO_TRY(check_proxy_path(call.path, families_));
  CO_TRY(check_proxy_query(call.query));
  if (app->disabled) co_return app_disabled();
  if (const auto wait = rates_.count(app->app_id, app->settings.wechat_calls_per_minute, clock_.now())) {
    co_return rate_limited("too many calls a minute in this app", *wait);
  }
  const auto place = under_way_.enter(app->app_id);
  if (!place) co_return busy("too many calls of this app are under way");
  call.most_answer_bytes = is_media(call.path) ? limits::kProxyBodyBytes : limits::kProxyAnswerBytes;
  const Budget budget(bytes_, kCopies * call.body.size() + call.most_answer_bytes);
  if (!budget.fits()) co_return busy("the calls under way take all the memory there is for them");

  const std::string path = call.path;
  call.path.insert(call.path.begin(), '/');
  trace->upstream_path = call.path;
  auto shared = std::make_shared<const ProxyCall>(std::move(call));
  auto sending = send(app, std::move(shared), trace);
  auto sent = co_await std::move(sending);
  count(app->app_id, path, !sent ? Outcome::failed : sent.value().fault.errcode != 0 ? Outcome::refused : Outcome::answered);
  co_return sent;
}

Task<Result<ProxyAnswer>> Proxy::send(AppPtr app, std::shared_ptr<const ProxyCall> call, Trace* trace) {
  Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  Stopwatch watch(trace->upstream);
  const Deadline deadline = deadline_in(limits::kProxyTotal);
  auto got = co_await tokens_.get(app);
  CO_TRY(auto token, std::move(got));
  for (bool again = false;; again = true) {
    auto passed = co_await platform->pass_on(app, token.token, call, deadline);
    if (!passed) co_return passed.error().error;
    ProxyAnswer& answer = passed.value();
    trace->upstream_errcode = answer.fault.errcode;
    trace->upstream_rid = answer.fault.rid;
    if (!answer.token_rejected || again) co_return std::move(answer);
    std::optional<Secret> rejected(token.token);
    auto another = co_await tokens_.get(app, rejected);
    // What WeChat said is the answer where there is no other token.
    if (!another || another.value().token == token.token) co_return std::move(answer);
    token = std::move(another.value());
  }
}

void Proxy::count(const std::string& app_id, const std::string& path, Outcome outcome) {
  std::lock_guard lock(mutex_);
  auto key = std::pair(app_id, path);
  if (!counts_.contains(key)) {
    const auto known = paths_.find(app_id);
    // The paths are the caller's, and one app must not take the room of the others.
    const bool many = (known != paths_.end() && known->second >= kPathsPerApp) || counts_.size() >= kSeries - kSeries / 10;
    if (many) key.second = kOther;
    if (!counts_.contains(key) && counts_.size() >= kSeries - 1) key.first = key.second = kOther;
    if (!many) ++paths_[app_id];
  }
  ProxyCount& counted = counts_[key];
  counted.app_id = key.first;
  counted.path = key.second;
  ++(outcome == Outcome::answered ? counted.answered : outcome == Outcome::refused ? counted.refused : counted.failed);
}

std::vector<ProxyCount> Proxy::counts() const {
  std::lock_guard lock(mutex_);
  std::vector<ProxyCount> all;
  all.reserve(counts_.size());
  for (const auto& [key, counted] : counts_) all.push_back(counted);
  return all;
}

}  // namespace kaimen::core
