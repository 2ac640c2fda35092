// The calls that reached WeChat's paths, newest last, for GET /sandbox/calls: at most kCalls of them, with secrets masked. Not
// thread-safe: the handler's lock is around it.
#pragma once

#include <deque>
#include <optional>

#include "sandbox/faults.h"
#include "sandbox/wechat_calls.h"

namespace kaimen::sandbox {

class CallLog {
 public:
  static constexpr size_t kCalls = 10'000;
  static constexpr size_t kValueBytes = 1024;  // longer values are cut

  /// `errcode`: what was answered; unset when nothing was, or no JSON of ours.
  void add(const Question& question, const App* app, std::optional<int64_t> errcode, const std::optional<Fault>& fault);
  void clear() { calls_.clear(); }
  /// [{at, method, path, query, body?, appid, errcode, fault?}]
  http::json::array items() const;

 private:
  std::deque<http::json::object> calls_;
};

}  // namespace kaimen::sandbox
