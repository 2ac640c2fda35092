#include "base/random.h"

#include <sys/random.h>

#include <cerrno>

namespace kaimen {

Result<> SystemRandom::fill(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return make_error(ErrorCode::unavailable, "getrandom failed");
    }
    out = out.subspan(size_t(got));
  }
  return ok();
}

}  // namespace kaimen
