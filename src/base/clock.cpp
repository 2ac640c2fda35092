#include "base/clock.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace kaimen {

Millis BootClock::now() const {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return Millis{int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000};
}

const SteadyClock& machine_steady_clock() {
  static const BootClock clock;
  return clock;
}

std::string rfc3339(Time time) {
  using namespace std::chrono;
  const Time first{sys_days{year{0} / 1 / 1}}, last{sys_days{year{10000} / 1 / 1} - Millis{1}};
  time = std::clamp(time, first, last);
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  char text[40];
  const int length =
      std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", int(date.year()), unsigned(date.month()), unsigned(date.day()),
                    int(clock.hours().count()), int(clock.minutes().count()), int(clock.seconds().count()));
  std::string result(text, size_t(length));
  if (const int ms = int(clock.subseconds().count()); ms != 0) {
    std::snprintf(text, sizeof text, ".%03d", ms);
    result += text;
  }
  return result + "Z";
}

std::optional<Time> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  size_t at = 0;
  auto digits = [&](size_t count) -> std::optional<int> {
    int value = 0;
    for (size_t i = 0; i < count; ++i, ++at) {
      if (at >= text.size() || text[at] < '0' || text[at] > '9') return std::nullopt;
      value = value * 10 + (text[at] - '0');
    }
    return value;
  };
  auto literal = [&](std::string_view any_of) { return at < text.size() && any_of.find(text[at]) != any_of.npos && ++at; };

  const auto y = digits(4);
  if (!y || !literal("-")) return std::nullopt;
  const auto mo = digits(2);
  if (!mo || !literal("-")) return std::nullopt;
  const auto d = digits(2);
  if (!d || !literal("Tt ")) return std::nullopt;
  const auto h = digits(2);
  if (!h || !literal(":")) return std::nullopt;
  const auto mi = digits(2);
  if (!mi || !literal(":")) return std::nullopt;
  const auto s = digits(2);
  if (!s) return std::nullopt;
  const year_month_day date{year{*y}, month{unsigned(*mo)}, day{unsigned(*d)}};
  if (!date.ok() || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;

  Millis fraction{0};
  if (literal(".")) {
    int scale = 100;
    const size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      fraction += Millis{(text[at++] - '0') * scale};
      scale /= 10;
    }
    if (at == start) return std::nullopt;
  }
  minutes offset{0};
  if (!literal("Zz")) {
    if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return std::nullopt;
    const int sign = text[at++] == '+' ? 1 : -1;
    const auto oh = digits(2);
    if (!oh || !literal(":")) return std::nullopt;
    const auto om = digits(2);
    if (!om || *oh > 23 || *om > 59) return std::nullopt;
    offset = minutes{sign * (*oh * 60 + *om)};
  }
  if (at != text.size()) return std::nullopt;
  return Time{sys_days{date} + hours{*h} + minutes{*mi} + seconds{*s} + fraction - offset};
}

}  // namespace kaimen
