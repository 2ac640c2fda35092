// JWTs for backends that check offline: who holds a ticket, said to one audience for at most ten minutes, signed (core/jwt_keys.h). A JWT
// cannot be taken back before it runs out; that is what its short life is for.
//
// A signature costs as much as some hundred checks, so it is made on a thread of its own and kept for the ticket and audience it was made for.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/task.h"
#include "core/coalesce.h"
#include "core/jwt_keys.h"

namespace kaimen::core {

/// Whom a JWT is about: what a good ticket says.
struct JwtSubject {
  Id session, user;
  std::string app_id, openid, unionid, external_id, actor;
  std::vector<std::string> roles;
  bool registered = false;
  Time ticket_end{};  ///< A JWT never outlives the ticket.
};

struct Jwt {
  std::string text;
  Time expires_at{};
  Time use_until{};  ///< Handed out again before this: half of its life.
};

class Jwts {
 public:
  Jwts(const JwtKeys& keys, Random& random, const Clock& clock);
  /// What is under way is answered with `unavailable`.
  ~Jwts();
  Jwts(const Jwts&) = delete;
  Jwts& operator=(const Jwts&) = delete;

  /// 1 to 128 printable ASCII characters without blanks.
  static bool is_audience(std::string_view audience);

  /// The one that was made for this ticket, audience and issuer, while half of its life is still to come; nullptr: make() it. Waits for nothing.
  std::shared_ptr<const Jwt> kept(std::string_view ticket, std::string_view audience, std::string_view issuer) const;
  /// As kept(), or signed now; those who ask for the same at once share one. `ticket` is good and says what `subject` says. Errors:
  /// app_misconfigured (no issuer), invalid_request (the audience), unavailable (too many wait, no key yet).
  Task<Result<Jwt>> make(std::string ticket, std::string audience, std::string issuer, JwtSubject subject);

 private:
  struct Job {
    std::function<Result<Jwt>()> work;
    std::function<void(Result<Jwt>)> done;
  };
  using Kept = std::shared_ptr<const Jwt>;
  /// Jwts by a hash of what they are for. Two halves, so that dropping what is old costs nothing: a full young one becomes the old one.
  struct Shelf {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Kept> young, old;
  };

  static std::string name_of(std::string_view ticket, std::string_view audience, std::string_view issuer);
  Shelf& shelf_of(const std::string& name) const { return shelves_[static_cast<uint8_t>(name[0]) % kShelves]; }
  Kept find(const std::string& name) const;
  void keep(const std::string& name, Kept jwt);
  Result<Jwt> sign(const std::string& audience, const std::string& issuer, const JwtSubject& subject);
  Task<Result<Jwt>> signed_elsewhere(std::function<Result<Jwt>()> work);
  void run();

  static constexpr size_t kShelves = 16;
  const JwtKeys& keys_;
  Random& random_;
  const Clock& clock_;
  mutable std::array<Shelf, kShelves> shelves_;
  Coalescer<Result<Jwt>> in_flight_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kaimen::core
