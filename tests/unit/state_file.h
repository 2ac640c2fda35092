// A state file in a directory of its own, with a writer and the ways to read it.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "check/boot_clock.h"
#include "check/kaimen_check.h"
#include "check/state_writer.h"
#include "tests/unit/tickets.h"

namespace kaimen::check {

/// kaimen_wanted, of which a test names what it wants.
struct Wants {
  const char *app_id = nullptr, *project = "", *role = "", *env = nullptr;
  int registered = 0, optional = 0;
};

class StateFileTest : public ::testing::Test {
 protected:
  StateFileTest() {
    char name[] = "/tmp/kaimen-state-XXXXXX";
    directory_ = mkdtemp(name);
    path_ = directory_ + "/check";
  }
  ~StateFileTest() override {
    kaimen_check_close(handle_);
    writer_.reset();
    unlink(path_.c_str());
    unlink((path_ + ".lock").c_str());
    rmdir(directory_.c_str());
  }

  void write(size_t room = 1000) {
    writer_.reset();
    std::string error;
    writer_ = StateWriter::open(path_, room, revocations_, error);
    ASSERT_TRUE(writer_) << error;
  }
  void publish() {
    writer_->refill(0);
    writer_->publish_headers(headers_);
    writer_->publish_keys(keys_);
    writer_->publish_apps(apps_);
    beat();
  }
  void beat(uint64_t for_ms = kGoodMs) {
    const uint64_t boot = boot_now_ms();
    writer_->beat(for_ms == 0 ? 0 : boot + for_ms, static_cast<int64_t>(kNow - boot));
  }
  /// As Live does it: memory first.
  void revoke(uint64_t session, uint32_t generation, Reason reason) {
    revocations_.put(session_of(session), generation, reason, kNow + 1'000'000);
    writer_->put(session_of(session), generation, reason, kNow + 1'000'000);
  }

  kaimen_check* handle() {
    if (!handle_) {
      EXPECT_EQ(kaimen_check_open(path_.c_str(), &handle_), 0);
    }
    return handle_;
  }
  std::string ticket(uint64_t session, const Key& key) { return seal_ticket(key, claims_of(session), nonce_of(++nonces_)); }
  std::string ticket(uint64_t session) { return ticket(session, key_of(1)); }
  int status(const std::string& text) { return kaimen_check_ticket(handle(), text.data(), text.size(), &who_); }
  /// The answer to a request with these headers.
  int answer(const std::vector<std::pair<std::string, std::string>>& headers, Wants wants = {}) {
    kaimen_presented presented{};
    const kaimen_wanted wanted{wants.app_id, wants.project, wants.role, wants.env, wants.registered, wants.optional};
    for (const auto& [name, value] : headers) kaimen_presented_header(handle(), &presented, name.data(), name.size(), value.data(), value.size(), nullptr);
    return kaimen_check_request(handle(), &presented, &wanted, &who_);
  }
  /// The reason of a refusal; "" for a good ticket, "?" where nothing can be said.
  std::string reason(const std::string& text) {
    const int answer = status(text);
    return answer == 503 ? "?" : kaimen_reason_name(who_.reason);
  }

  std::string directory_, path_;
  Revocations revocations_;
  std::unique_ptr<StateWriter> writer_;
  std::vector<StateKeyEntry> keys_{{.key = key_of(1)}, {.key = key_of(2, 9), .retired = true}, {.key = key_of(3, 5), .apps = {8}}};
  std::vector<StateAppEntry> apps_{{7, "wx7", "default", false, 0, 86400}, {8, "wx8", "default", false, 0, 86400}};
  std::vector<std::string> headers_;
  kaimen_check* handle_ = nullptr;
  kaimen_identity who_{};
  uint64_t nonces_ = 0;
};

}  // namespace kaimen::check
