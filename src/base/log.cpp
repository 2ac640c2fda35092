#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <future>
#include <memory>
#include <thread>

#include "base/background.h"
#include "base/clock.h"
#include "base/encoding.h"

namespace kaimen::log {

namespace {

constexpr size_t kQueueLines = 8 * 1024;  // some 400 bytes each, taken at the start: more than a second of logins at the rate this server has
constexpr auto kStopTime = std::chrono::seconds(2);

// Writes to the descriptor itself: stdio's stderr has a lock that exit() takes too, and whoever writes into a full pipe holds it for ever.
// Only the pool's one thread comes here.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string text(message.payload.data(), message.payload.size());
    text.push_back('\n');
    for (size_t at = 0; at < text.size();) {
      const ssize_t written = ::write(STDERR_FILENO, text.data() + at, text.size() - at);
      if (written < 0 && errno != EINTR) return;  // nowhere to say so
      if (written > 0) at += static_cast<size_t>(written);
    }
  }
  void flush_() override {}
};

std::shared_ptr<spdlog::details::thread_pool> pool;
std::shared_ptr<spdlog::async_logger> logger;
std::atomic<Level> threshold{Level::off};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    case Level::off: return spdlog::level::off;
  }
  return spdlog::level::off;
}

void append_json(std::string& out, std::string_view text) {
  out.push_back('"');
  const bool valid = is_utf8(text);
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out += escaped;
    } else if (byte >= 0x80 && !valid) {
      out += "\xEF\xBF\xBD";
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace

bool parse_level(std::string_view text, Level& level) {
  for (const auto& [name, value] : {std::pair{"debug", Level::debug}, {"info", Level::info}, {"warn", Level::warn}, {"error", Level::error}, {"off", Level::off}}) {
    if (text == name) {
      level = value;
      return true;
    }
  }
  return false;
}

void start(Level level) {
  pool = std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1, wake_without_haste);
  auto sink = std::make_shared<StderrSink>();
  logger = std::make_shared<spdlog::async_logger>("kaimen", std::move(sink), pool, spdlog::async_overflow_policy::overrun_oldest);
  logger->set_level(spdlog::level::trace);
  threshold.store(level);
}

void stop() {
  threshold.store(Level::off);
  logger.reset();
  if (!pool) return;
  // Giving up the pool joins its writer, which first empties the queue. A pipe that nobody reads would hold that up for ever, and with it the
  // end of the process: then the lines are lost, not the restart.
  auto emptied = std::make_shared<std::promise<void>>();
  auto done = emptied->get_future();
  std::thread joiner([abandoned = std::move(pool), emptied]() mutable {
    abandoned.reset();
    emptied->set_value();
  });
  if (done.wait_for(kStopTime) == std::future_status::ready) joiner.join();
  else joiner.detach();
}

uint64_t dropped() { return pool ? pool->overrun_counter() : 0; }
bool enabled(Level level) { return level != Level::off && level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string json) {
  if (enabled(level) && logger) logger->log(to_spdlog(level), spdlog::string_view_t(json));
}

Line::Line(std::string_view event) {
  text_.reserve(256);
  text_ += "{\"ts\":\"";
  text_ += rfc3339(SystemClock{}.now());
  text_ += "\",\"event\":";
  append_json(text_, event);
}

Line& Line::field(std::string_view name, std::string_view value) {
  text_.push_back(',');
  append_json(text_, name);
  text_.push_back(':');
  append_json(text_, value);
  return *this;
}
Line& Line::field(std::string_view name, int64_t value) {
  text_.push_back(',');
  append_json(text_, name);
  text_.push_back(':');
  text_ += std::to_string(value);
  return *this;
}
Line& Line::field(std::string_view name, double value) {
  char number[32];
  std::snprintf(number, sizeof number, "%.3f", value);
  text_.push_back(',');
  append_json(text_, name);
  text_.push_back(':');
  text_ += number;
  return *this;
}
Line& Line::field(std::string_view name, bool value) {
  text_.push_back(',');
  append_json(text_, name);
  text_ += value ? ":true" : ":false";
  return *this;
}
void Line::emit(Level level) {
  if (!enabled(level)) return;
  text_.push_back('}');
  write(level, std::move(text_));
}

}  // namespace kaimen::log
