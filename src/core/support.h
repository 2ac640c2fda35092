// A support view: a session opened in a user's place by whoever helps them. Off unless the app turns it on; it carries the name of who acts,
// ends with its time and cannot be renewed.
#pragma once

#include <string>

#include "core/directory_store.h"
#include "core/live.h"
#include "core/tickets.h"
#include "core/trace.h"

namespace kaimen::core {

inline constexpr Seconds kSupportLongest{900};
inline constexpr size_t kActorBytes = check::kTicketActorMax;

struct SupportRequest {
  AppPtr app;
  Id user;
  Seconds seconds{0};
  std::string actor;
};
struct SupportView {
  std::string token;
  Seconds expires_in{0};
  Session session;
};

class Support {
 public:
  Support(DirectoryStore& store, Random& random, Live& live, Tickets& tickets) : store_(store), random_(random), live_(live), tickets_(tickets) {}

  /// Errors: forbidden (the app does not allow it; the user is not active: with the reason), invalid_request (seconds, actor), not_found.
  Task<Result<SupportView>> open(SupportRequest request, Trace* trace);

 private:
  DirectoryStore& store_;
  Random& random_;
  Live& live_;
  Tickets& tickets_;
};

}  // namespace kaimen::core
