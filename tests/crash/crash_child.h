// A process that tells what was acknowledged, and is killed in the middle of it.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace kaimen::crash {

/// What every store must still know, whatever happened since.
struct Acknowledged {
  std::map<std::string, std::string> logins;  ///< Session → user, in hex.
  std::set<std::string> logouts;
  /// Reads one line of store_crash; false for "unavailable".
  bool note(const std::string& line);
};

class CrashChild {
 public:
  /// Starts store_crash on `file`. `vfs`: "unsynced" or "nosync"; `fault`: the file that switches faults on.
  CrashChild(const std::filesystem::path& file, const std::string& vfs, const std::filesystem::path& fault);
  /// Kills it if that has not been done.
  ~CrashChild();
  CrashChild(const CrashChild&) = delete;
  CrashChild& operator=(const CrashChild&) = delete;

  /// The next line, without its end; nullopt when none comes in time or the child is gone.
  std::optional<std::string> line(std::chrono::milliseconds within);
  /// SIGKILL; what it had told before is still read by line().
  void kill();

 private:
  int pid_ = -1, pipe_ = -1;
  std::string buffer_;
};

}  // namespace kaimen::crash
