#include "api/root_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace kaimen::api {

namespace {
constexpr size_t kRootNameBytes = 128, kRootFileBytes = 4096;
constexpr std::string_view kEnding = ".txt";
}  // namespace

bool is_root_file(std::string_view path) {
  if (!path.starts_with('/') || !path.ends_with(kEnding) || path.size() > kRootNameBytes || path.size() < 2 + kEnding.size()) return false;
  const std::string_view name = path.substr(1, path.size() - 1 - kEnding.size());
  return std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

Result<http::Response> root_file(const std::string& directory, std::string_view path) {
  const Error absent = make_error(ErrorCode::not_found, "there is no such route here");
  if (directory.empty() || !is_root_file(path)) return absent;
  const int file = ::open((directory + std::string(path)).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (file < 0) return absent;
  struct stat status {};
  std::string text(kRootFileBytes + 1, '\0');
  const bool regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  const ssize_t got = regular ? ::read(file, text.data(), text.size()) : -1;
  ::close(file);
  if (got < 0 || static_cast<size_t>(got) > kRootFileBytes) return absent;
  text.resize(static_cast<size_t>(got));
  http::Response response;
  response.set("Content-Type", "text/plain; charset=utf-8");
  response.set("X-Content-Type-Options", "nosniff");
  response.body = std::move(text);
  return response;
}

}  // namespace kaimen::api
