// What the server asks of the operating system for its own process.
#pragma once

namespace kaimen::app {

/// No core dumps and no debugger of another process: memory holds session_keys and AppSecrets (docs/security.md, K4).
void forbid_core_dumps();
/// As many open files as the hard limit allows.
void raise_file_limit();

/// Takes SIGTERM, SIGINT and SIGHUP out of the way of all threads started from now on, and ignores SIGPIPE. Make it before any thread.
class Signals {
 public:
  Signals();
  /// Waits for one of them.
  static void wait();
  /// From now on the next one ends the process at once.
  static void exit_at_next();
};

}  // namespace kaimen::app
