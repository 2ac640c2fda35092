// Logging: JSON lines on stderr through one background thread. A full queue drops lines and counts them rather than hold up a loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kaimen::log {

enum class Level : uint8_t { debug, info, warn, error, off };

/// "debug", "info", "warn", "error", "off"; anything else → false.
bool parse_level(std::string_view text, Level& level);

/// Starts the writer thread. Call once, in main; before it, and after stop(), lines are dropped.
void start(Level level);
/// Writes what is queued and stops the writer.
void stop();
/// Lines dropped since start because the queue was full.
uint64_t dropped();
bool enabled(Level level);

/// One finished JSON object, without the newline (see Line).
void write(Level level, std::string json);

/// Builds one JSON log line: Line("request").field("status", 200).field("route", "/v1/login"). Values are escaped; invalid UTF-8 becomes
/// U+FFFD. Never give it a secret: Secret has no overload.
class Line {
 public:
  explicit Line(std::string_view event);
  Line& field(std::string_view name, std::string_view value);
  Line& field(std::string_view name, const char* value) { return field(name, std::string_view(value)); }
  Line& field(std::string_view name, const std::string& value) { return field(name, std::string_view(value)); }
  Line& field(std::string_view name, int64_t value);
  Line& field(std::string_view name, int value) { return field(name, int64_t{value}); }
  Line& field(std::string_view name, uint64_t value) { return field(name, static_cast<int64_t>(value)); }
  Line& field(std::string_view name, double value);
  Line& field(std::string_view name, bool value);
  void emit(Level level);

 private:
  std::string text_;
};

inline void info(std::string_view event, std::string_view message) { Line(event).field("message", message).emit(Level::info); }
inline void warn(std::string_view event, std::string_view message) { Line(event).field("message", message).emit(Level::warn); }
inline void error(std::string_view event, std::string_view message) { Line(event).field("message", message).emit(Level::error); }

}  // namespace kaimen::log
