// The load generator: one thread on one core, streams of requests over kept connections, and the CPU time that the watched processes spent
// in exactly the measured time. Prints one line of JSON.
//   load --cpu 1 --warmup 0.3 --seconds 2 --watch PID name=check,to=127.0.0.1:8081,request=FILE,connections=64,expect=204
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "load_stream.h"

namespace {

using namespace kaimen::bench;

uint64_t now_ns() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

/// CPU time of each thread of a process, by "pid/tid", in nanoseconds as the scheduler counts it (stat has only hundredths of a second).
std::map<std::string, uint64_t> cpu_times(const std::vector<std::string>& processes) {
  std::map<std::string, uint64_t> times;
  for (const auto& pid : processes) {
    const std::string tasks = "/proc/" + pid + "/task";
    DIR* const directory = ::opendir(tasks.c_str());
    if (!directory) fail(tasks);
    while (const dirent* entry = ::readdir(directory)) {
      if (entry->d_name[0] == '.') continue;
      std::ifstream file(tasks + "/" + entry->d_name + "/schedstat");
      file >> times[pid + "/" + entry->d_name];
    }
    ::closedir(directory);
  }
  return times;
}

uint64_t own_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 + static_cast<uint64_t>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

struct Arguments {
  int cpu = -1;
  double warmup = 0.3, seconds = 2;
  std::vector<std::string> watched;
  std::vector<StreamOptions> streams;

  Arguments(int count, char** texts) {
    for (int i = 1; i < count; ++i) {
      const std::string text = texts[i];
      if (text.starts_with("--") && i + 1 < count) {
        const std::string value = texts[++i];
        if (text == "--cpu") cpu = std::stoi(value);
        else if (text == "--warmup") warmup = std::stod(value);
        else if (text == "--seconds") seconds = std::stod(value);
        else if (text == "--watch") watched.push_back(value);
        else fail("unknown argument " + text);
      } else {
        streams.push_back(StreamOptions::parse(text));
      }
    }
    if (streams.empty()) fail("no stream");
  }
};

class Run {
 public:
  explicit Run(const Arguments& arguments) : arguments_(arguments), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (const auto& options : arguments.streams) streams_.push_back(std::make_unique<Stream>(options, epoll_));
  }

  void go() {
    constexpr uint64_t kWait = 5'000'000'000;  // for answers of the measured time that are still out at its end
    const uint64_t start = now_ns(), begin = start + nanoseconds(arguments_.warmup), end = begin + nanoseconds(arguments_.seconds);
    bool any_open = false;
    for (auto& stream : streams_) {
      stream->start(start, begin, end);
      any_open = any_open || stream->is_open();
    }
    bool before_begin = true, before_end = true;
    for (;;) {
      const uint64_t now = now_ns();
      if (before_begin && now >= begin) {
        first_ = cpu_times(arguments_.watched);
        own_first_ = own_cpu();
        before_begin = false;
      }
      if (before_end && now >= end) {
        last_ = cpu_times(arguments_.watched);
        own_last_ = own_cpu();
        before_end = false;
      }
      if (!before_end && (now >= end + kWait || !outstanding())) return;
      for (auto& stream : streams_) stream->tick(now);
      // Open loop: never asleep, for a timer that is a millisecond late would be taken for the server's latency.
      handle(any_open ? 0 : 10);
    }
  }

  void print() const {
    std::cout << "{\"seconds\":" << arguments_.seconds << ",\"load_cpu_us\":" << own_last_ - own_first_ << ",\"threads\":{";
    uint64_t total = 0;
    const char* comma = "";
    for (const auto& [thread, time] : last_) {
      const auto found = first_.find(thread);
      const uint64_t spent = (time - (found == first_.end() ? 0 : found->second)) / 1000;
      total += spent;
      std::cout << comma << '"' << thread << "\":" << spent;
      comma = ",";
    }
    std::cout << "},\"cpu_us\":" << total << ",\"streams\":[";
    comma = "";
    for (const auto& stream : streams_) {
      std::cout << comma << stream->report(arguments_.seconds);
      comma = ",";
    }
    std::cout << "]}" << std::endl;
  }

 private:
  static uint64_t nanoseconds(double seconds) { return static_cast<uint64_t>(seconds * 1e9); }

  bool outstanding() const {
    for (const auto& stream : streams_) {
      if (stream->outstanding()) return true;
    }
    return false;
  }

  void handle(int timeout_ms) {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(epoll_, events.data(), events.size(), timeout_ms);
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<Stream::Connection*>(events[static_cast<size_t>(i)].data.ptr);
      connection.stream->readable(connection, now_ns());
    }
  }

  const Arguments& arguments_;
  const int epoll_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::map<std::string, uint64_t> first_, last_;
  uint64_t own_first_ = 0, own_last_ = 0;
};

}  // namespace

int main(int count, char** texts) {
  std::signal(SIGPIPE, SIG_IGN);
  const Arguments arguments(count, texts);
  if (arguments.cpu >= 0) pin_to(arguments.cpu);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Run run(arguments);
  run.go();
  run.print();
}
