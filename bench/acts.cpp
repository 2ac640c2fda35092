#include "acts.h"

#include <sys/resource.h>

namespace kaimen::bench {

namespace {
constexpr const char* kRequestId = "0123456789abcdef0123456789abcdef";
}  // namespace

const Clock& wall_clock() {
  static const SystemClock clock;
  return clock;
}

int64_t now_ms() { return epoch_ms(wall_clock().now()); }

double cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
  return static_cast<double>(seconds) * 1e6 + static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

std::string openid_of(uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "oBench_upstr_%015llx", static_cast<unsigned long long>(number));
  return text;
}

std::string hash_of(uint64_t number) {
  std::string hash(32, '#');
  for (size_t i = 0; i < 8; ++i) hash[i] = static_cast<char>(number * 0x9e3779b97f4a7c15 >> (8 * i));
  return hash;
}

Measured median(std::vector<Measured> values) {
  Measured middle;
  const auto at = static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), values.begin() + at, values.end(), [](auto& a, auto& b) { return a.per_second < b.per_second; });
  middle.per_second = values[static_cast<size_t>(at)].per_second;
  std::nth_element(values.begin(), values.begin() + at, values.end(), [](auto& a, auto& b) { return a.cpu_us < b.cpu_us; });
  middle.cpu_us = values[static_cast<size_t>(at)].cpu_us;
  return middle;
}

std::unique_ptr<store::SqlStore> open_or_exit(store::StoreOptions options) {
  auto opened = store::open_store(std::move(options), wall_clock());
  if (!opened) {
    std::fprintf(stderr, "error: %s\n", opened.error().detail.c_str());
    std::exit(1);
  }
  return std::move(opened.value());
}

Measured Kaimen::login(size_t count, size_t width, Measured* claims) {
  std::vector<core::RecordLogin> acts;
  for (size_t i = 0; i < count; ++i) acts.push_back(login_act(++logins_));
  const auto claim_of = [&](size_t i) {
    core::ClaimCode claim;
    claim.app = acts[i].app;
    claim.code_hash = acts[i].code_hash;
    claim.owner = acts[i].owner;
    claim.now = acts[i].now;
    return store_->claim_code(std::move(claim));
  };
  const Measured claimed = measure(count, [&] { pump_.run<core::CodeClaim>(count, claims ? width : 1024, claim_of); });
  if (claims) *claims = claimed;
  sessions_.clear();
  for (const auto& act : acts) sessions_.push_back(act.new_session);
  const auto login_of = [&](size_t i) { return store_->record_login(std::move(acts[i])); };
  return measure(count, [&] { pump_.run<core::LoginRecord>(count, width, login_of); });
}

Measured Kaimen::renew(size_t width) {
  return measure(sessions_.size(), [&] {
    pump_.run<core::Renewal>(sessions_.size(), width, [&](size_t i) {
      core::RenewSession act;
      act.session = sessions_[i];
      act.app = kApp;
      act.now = wall_clock().now();
      act.idle_expires_at = act.now + std::chrono::days(30);
      act.revocations_until = act.now + std::chrono::days(1);
      return store_->renew_session(std::move(act));
    });
  });
}

Measured Kaimen::end(size_t width) {
  return measure(sessions_.size(), [&] {
    pump_.run<std::vector<core::Revocation>>(sessions_.size(), width, [&](size_t i) {
      core::EndSession act;
      act.session = sessions_[i];
      act.now = wall_clock().now();
      act.revocations_until = act.now + std::chrono::days(1);
      act.source.request_id = kRequestId;
      return store_->end_session(std::move(act));
    });
  });
}

core::RecordLogin Kaimen::login_act(uint64_t number) {
  core::RecordLogin act;
  act.app = kApp;
  act.app_id = kAppId;
  act.project = "default";
  act.provider = "wechat";
  act.code_hash = hash_of(number);
  act.owner = id();
  act.openid = openid_of(number);
  act.session_key_sealed = std::string(60, 'k');
  act.session_key_index = std::string(32, 'i');
  act.new_user = id();
  act.new_session = id();
  act.max_per_user = 20;
  act.now = wall_clock().now();
  act.idle_expires_at = act.now + std::chrono::days(30);
  act.absolute_expires_at = act.now + std::chrono::days(180);
  act.revocations_until = act.now + std::chrono::days(1);
  act.source.request_id = kRequestId;
  return act;
}


}  // namespace kaimen::bench
