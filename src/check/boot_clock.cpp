#include "check/boot_clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace kaimen::check {

uint64_t boot_now_ms() noexcept {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

bool read_boot_id(uint64_t (&words)[2]) noexcept {
  const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[40];
  const ssize_t length = read(fd, text, sizeof text);
  close(fd);
  words[0] = words[1] = 0;
  int digits = 0;
  for (ssize_t i = 0; i < length; ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    if (digits == 32) return false;
    words[digits / 16] = words[digits / 16] << 4 | static_cast<uint64_t>(digit);
    ++digits;
  }
  return digits == 32;
}

}  // namespace kaimen::check
