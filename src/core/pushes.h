// WeChat's message push: its events about users are applied, each once, and acknowledged only when that is durable.
#pragma once

#include "core/components.h"
#include "core/media_store.h"
#include "core/platform.h"
#include "core/trace.h"

namespace kaimen::core {

class Pushes {
 public:
  Pushes(Store& store, Live& live, const Platforms& platforms, Components& components)
      : store_(store), live_(live), platforms_(platforms), components_(components) {}

  /// Whether the check of the push URL comes from WeChat. Error: signature_invalid (whatever is wrong).
  Result<> check(const App& app, const Push& push) const;
  /// Opens a message and does what it says; messages that do not concern us are fine as they are. Errors: signature_invalid (whatever is
  /// wrong with it), those of the store.
  /// Yields what WeChat is to hear, by the app's push_reply.
  Task<Result<PushReply>> receive(AppPtr app, Push push, Trace* trace);

 private:
  Task<Result<>> apply(AppPtr app, PushMessage message, Trace* trace);
  Result<> in_time(const Push& push) const;
  Task<Result<>> withdraw(AppPtr app, PushMessage message, Trace* trace);
  Task<Result<>> settle(AppPtr app, PushMessage message, Trace* trace);
  Task<Result<>> close(AppPtr app, PushMessage message, Trace* trace);

  Store& store_;
  Live& live_;
  const Platforms& platforms_;
  Components& components_;
};

}  // namespace kaimen::core
