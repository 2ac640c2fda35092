// Prints what one check and one seal cost on this machine, in nanoseconds of one thread. Run it on a quiet machine, built for release:
//   cmake --preset release -DKAIMEN_BENCH=ON && cmake --build --preset release --target check_bench && build/release/bench/check_bench
// Each number is the least of several rounds: what disturbs a round only ever makes it slower.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "check/check.h"

namespace {

using namespace kaimen::check;

constexpr size_t kTickets = 4096;  // each of another session, so that look-ups touch other places of the table
constexpr int kRounds = 15;
constexpr uint64_t kNow = 1'790'000'000'000;

std::mt19937_64 noise(1);

std::array<uint8_t, 16> session_id() {
  std::array<uint8_t, 16> id{};
  const uint64_t last = noise();
  std::memcpy(id.data() + 8, &last, 8);
  id[0] = static_cast<uint8_t>(kNow >> 40);
  return id;
}

std::array<uint8_t, 12> nonce() {
  std::array<uint8_t, 12> bytes{};
  const uint64_t first = noise();
  std::memcpy(bytes.data(), &first, 8);
  return bytes;
}

Claims claims() {
  Claims claims;
  claims.session = session_id();
  claims.app = 1;
  claims.issued_ms = kNow - 1000;
  claims.life_s = 7200;
  claims.openid = "oAbCdEfGhIjKlMnOpQrStUvWxYz0";
  claims.unionid = "o6_bmasdasdsad6_2sgVt7hMZOPf";
  return claims;
}

template <class Work>
double best_ns(size_t count, Work work) {
  double best = 1e12;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < count; ++i) work(i);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / static_cast<double>(count));
  }
  return best;
}

}  // namespace

int main() {
  RingKey ring_key;
  ring_key.key.id = 0x01020304;
  for (auto& byte : ring_key.key.bytes) byte = static_cast<uint8_t>(noise());
  const KeyRing keys({ring_key});
  const AppStates apps{{1, AppState{"wxdev0000000000001", "default"}}};
  std::vector<std::string> tickets(kTickets);
  for (auto& ticket : tickets) ticket = seal_ticket(ring_key.key, claims(), nonce());
  std::printf("ticket of %zu characters\n", tickets[0].size());

  const auto opened = std::make_unique<Opened>();
  size_t good = 0, expected = 0;
  for (const size_t count : {0, 10'000, 1'000'000}) {
    Revocations revocations;
    for (size_t i = 0; i < count; ++i) revocations.put(session_id(), kAllGenerations, Reason::logged_out, kNow);
    const double ns = best_ns(kTickets, [&](size_t i) {
      good += check_ticket(tickets[i], keys, apps, revocations, kNow, *opened).reason == Reason::none;
    });
    expected += kTickets * kRounds;
    std::printf("check, %8zu revocations  %6.0f ns\n", count, ns);
  }
  const Claims sample = claims();
  const auto fixed = nonce();
  size_t characters = 0;
  const double seal_ns = best_ns(kTickets, [&](size_t) { characters += seal_ticket(ring_key.key, sample, fixed).size(); });
  std::printf("seal                          %6.0f ns\n", seal_ns);
  return good == expected && characters != 0 ? 0 : 1;
}
