#include "app/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "app/file_descriptor.h"

namespace kaimen::app {

namespace {
constexpr size_t kLongestFile = 4096;
Error bad_file(std::string what) { return make_error(ErrorCode::invalid_request, std::move(what)); }
}  // namespace

Result<Secret> read_secret_file(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return bad_file(errno == ENOENT ? "there is no such file" : std::strerror(errno));
  struct stat status;
  if (fstat(file.get(), &status) != 0) return bad_file(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return bad_file("not a regular file");
  if (status.st_uid != geteuid() && status.st_uid != 0) return bad_file("owned by another user (uid " + std::to_string(status.st_uid) + ")");
  if (status.st_mode & 0177) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", status.st_mode & 07777);
    return bad_file(std::string("its mode is ") + mode + ", wider than 0600: others could read it");
  }
  std::string text(kLongestFile, '\0');
  const ssize_t got = read(file.get(), text.data(), text.size());
  const std::string cause = got < 0 ? std::strerror(errno) : "";
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  Secret content(std::move(text));
  if (!cause.empty()) return bad_file(cause);
  return content;
}

}  // namespace kaimen::app
