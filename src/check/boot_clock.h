// Time that all processes of a machine share and that no one sets: since it was booted, sleep included.
#pragma once

#include <cstdint>

namespace kaimen::check {

/// CLOCK_BOOTTIME in ms.
uint64_t boot_now_ms() noexcept;

/// The id of this boot as two words; false: it cannot be read.
bool read_boot_id(uint64_t (&words)[2]) noexcept;

}  // namespace kaimen::check
