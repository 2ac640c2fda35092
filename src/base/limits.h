// Every limit and deadline has a name and stands here or beside the rule that it bounds (docs/api.md lists those a client can meet).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kaimen::limits {
using namespace std::chrono_literals;

// HTTP in
inline constexpr size_t kRequestLineBytes = 8 * 1024;
inline constexpr size_t kHeaderBytes = 32 * 1024;
inline constexpr size_t kHeaderCount = 100;
inline constexpr size_t kBodyBytes = 64 * 1024;
inline constexpr size_t kJsonDepth = 32;
inline constexpr auto kHeaderTime = 10s;
inline constexpr auto kBodyTime = 30s;
inline constexpr auto kIdleTime = 75s;
inline constexpr auto kWriteTime = 30s;
inline constexpr auto kDrainTime = 10s;
inline constexpr size_t kConnectionsPerLoop = 20'000;

// WeChat
inline constexpr auto kUpstreamConnect = 1s;
inline constexpr auto kUpstreamTotal = 3s;
inline constexpr size_t kUpstreamBodyBytes = 1024 * 1024;
inline constexpr size_t kExchangesPerLoop = 2048;  // all that wait for one host at once, on a loop

// The proxy of WeChat's API: bodies are kept whole, within a budget for all of them together
inline constexpr size_t kProxyBodyBytes = 10 * 1024 * 1024;        // of a request, and of an answer with media
inline constexpr size_t kProxyAnswerBytes = 2 * 1024 * 1024;       // of any other answer
inline constexpr size_t kProxyBudgetBytes = 256 * 1024 * 1024;
inline constexpr size_t kProxyCallsPerApp = 64;                    // under way at once, on a node
inline constexpr auto kProxyTotal = 15s;

// Login
inline constexpr size_t kCodeBytes = 512;
inline constexpr size_t kAttemptBytes = 64;
inline constexpr size_t kNicknameCodePoints = 64;
inline constexpr size_t kUrlBytes = 1024;
inline constexpr size_t kRegionCodePoints = 64;
inline constexpr size_t kAttributesBytes = 8 * 1024;
inline constexpr size_t kDeviceFieldBytes = 128;
inline constexpr size_t kOpenDataBytes = 32 * 1024;
inline constexpr size_t kSubjectBytes = 128;  // openid, unionid, external id
inline constexpr auto kClaimWait = 5s;  // for what another node makes of the same code
inline constexpr auto kReplaySeconds = 60s;
inline constexpr auto kReplayWithAttempt = 10min;
inline constexpr auto kLoginsAtOnce = 60s;        // within which a client that cannot renew may log in many times for one refusal
inline constexpr auto kRenewGrace = 60s;          // the previous renew token, after a lost answer
inline constexpr auto kTicketSkew = 60s;          // a ticket issued further ahead than this is refused
inline constexpr auto kWatermarkWindow = 10min;   // open data, either side
inline constexpr auto kAfterTicketEnd = 2h;       // how long keys and revocations outlive the last ticket they concern
inline constexpr size_t kSessionKeyVersions = 3;  // session_keys kept for each (app, openid)

// Store
inline constexpr size_t kBatchActs = 1024;
inline constexpr size_t kWaitingActs = 20'000;
inline constexpr size_t kPageItems = 200;

}  // namespace kaimen::limits
