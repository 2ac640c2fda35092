// Clients of several nodes that write down what they did and what they were told; history.py judges it. While it runs, others break things.
//   history_driver --public URL,URL,… --private URL,URL,… --app APPID --upstream PORT --out FILE --seed N
//                  [--operations N] [--seconds N] [--writers N] [--checkers N] [--writes-per-second N] [--checks-per-second N]
// The load ends after that many operations or seconds, or with a line on standard input; then it prints a line and waits for another one
// (everything should be healed by then), looks at every ticket it was ever given on every node, and prints a summary as one line of JSON.
// The seed decides what each client does and in which order; when it happens is up to the machine.
#include <poll.h>

#include <csignal>
#include <iostream>

#include "clients.h"

namespace {

using namespace kaimen::failover;

template <class T>
void all_at_once(std::deque<T>& clients, void (T::*work)(), std::vector<std::thread>& threads) {
  for (auto& client : clients) threads.emplace_back([&client, work] { (client.*work)(); });
}

void join(std::vector<std::thread>& threads) {
  for (auto& thread : threads) thread.join();
  threads.clear();
}

int run(const Options& options) {
  Driver driver(options);
  std::deque<Writer> writers;
  std::deque<Checker> checkers;
  for (uint64_t i = 0; i < options["writers"]; ++i) writers.emplace_back(driver, i);
  for (uint64_t i = 0; i < options["checkers"]; ++i) checkers.emplace_back(driver, 1000 + i);

  std::vector<std::thread> threads;
  const int64_t begin = now_us();
  all_at_once(writers, &Writer::run, threads);
  all_at_once(checkers, &Checker::run, threads);
  std::string line;
  pollfd input{0, POLLIN, 0};
  while (!driver.over() && now_us() - begin < static_cast<int64_t>(options["seconds"]) * 1'000'000) {
    if (::poll(&input, 1, 100) > 0 && !std::getline(std::cin, line)) return 1;
    if (input.revents) break;
  }
  driver.stop = true;
  join(threads);
  const int64_t end = now_us();
  std::cout << "{\"loaded\":" << driver.history.count << "}" << std::endl;
  if (!std::getline(std::cin, line)) return 1;

  all_at_once(writers, &Writer::look_at_all, threads);
  join(threads);
  size_t live = 0;
  for (const auto& writer : writers) live += writer.live();
  std::cout << "{\"operations\":" << driver.history.count << ",\"seconds\":" << (end - begin) / 1000 / 1000.0
            << ",\"sessions\":" << driver.sessions << ",\"tickets\":" << driver.tickets << ",\"live\":" << live
            << ",\"upstream_calls\":" << driver.upstream.calls << ",\"codes_asked_twice\":" << driver.upstream.repeated << "}" << std::endl;
  std::fflush(nullptr);
  return 0;
}

}  // namespace

int main(int count, char** texts) {
  std::signal(SIGPIPE, SIG_IGN);
  int status = 2;
  try {
    const Options options(count, texts);
    status = run(options);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
  }
  std::_Exit(status);  // the upstream's threads still wait for connections
}
