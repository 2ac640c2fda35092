#include "tests/crash/crash_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace kaimen::crash {

bool Acknowledged::note(const std::string& line) {
  std::istringstream words(line);
  std::string what, session, user;
  words >> what >> session >> user;
  if (what == "login") logins[session] = user;
  if (what == "logout") logouts.insert(session);
  return what != "unavailable";
}

CrashChild::CrashChild(const std::filesystem::path& file, const std::string& vfs, const std::filesystem::path& fault) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(ends[1], STDOUT_FILENO);
    ::setenv("KAIMEN_CRASH_VFS", vfs.c_str(), 1);
    ::setenv("KAIMEN_CRASH_FAULT", fault.c_str(), 1);
    ::execl(KAIMEN_STORE_CRASH, "store_crash", file.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  pipe_ = ends[0];
}

CrashChild::~CrashChild() {
  kill();
  ::close(pipe_);
}

void CrashChild::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::optional<std::string> CrashChild::line(std::chrono::milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  for (;;) {
    if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string found = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return found;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ready{pipe_, POLLIN, 0};
    if (left.count() < 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) return std::nullopt;
    char bytes[4096];
    const ssize_t count = ::read(pipe_, bytes, sizeof bytes);
    if (count <= 0) return std::nullopt;
    buffer_.append(bytes, static_cast<size_t>(count));
  }
}

}  // namespace kaimen::crash
