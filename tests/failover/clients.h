// Clients of several nodes: some log in, renew and log out, others check what was handed out. Each writes down what it was told.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <sstream>

#include "world.h"

namespace kaimen::failover {

struct Options {
  std::vector<std::string> publics, privates;
  std::map<std::string, std::string> texts{{"app", "wxfailover00000001"}, {"out", "history"}};
  std::map<std::string, uint64_t> numbers{{"seed", 1},     {"operations", UINT64_MAX}, {"seconds", 1u << 30}, {"writers", 24},
                                          {"checkers", 4}, {"writes-per-second", 150}, {"checks-per-second", 2000}, {"upstream", 0}};

  Options(int count, char** given) {
    for (int i = 1; i + 1 < count; i += 2) {
      const std::string name = std::string(given[i]).substr(2), value = given[i + 1];
      if (name == "public") publics = split(value);
      else if (name == "private") privates = split(value);
      else if (texts.contains(name)) texts[name] = value;
      else if (numbers.contains(name)) numbers[name] = std::stoull(value);
      else throw std::runtime_error("unknown argument --" + name);
    }
    if (publics.empty() || publics.size() != privates.size()) throw std::runtime_error("--public and --private name the same nodes");
  }
  uint64_t operator[](const std::string& name) const { return numbers.at(name); }

 private:
  static std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
    return parts;
  }
};

struct Driver {
  explicit Driver(const Options& given)
      : options(given), history(given.texts.at("out")), upstream(static_cast<uint16_t>(given["upstream"])) {}

  bool over() const { return stop || history.count >= options["operations"]; }

  const Options& options;
  History history;
  Upstream upstream;
  Board board;
  std::atomic<uint32_t> sessions{0}, tickets{0};
  std::atomic<bool> stop{false};
};

/// A client of all nodes: one kept line to each.
class Client {
 public:
  Client(Driver& driver, uint64_t number) : driver_(driver), random_(driver.options["seed"] * 1'000'003 + number), number_(number) {
    for (const auto& url : driver.options.publics) publics_.emplace_back(url, 30);
    for (const auto& url : driver.options.privates) privates_.emplace_back(url, 10);
  }

 protected:
  uint64_t below(uint64_t limit) { return random_() % limit; }
  size_t any_node() { return below(publics_.size()); }
  static std::string request_for(const Ticket& ticket) {
    return "GET /verify HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer " + ticket.token + "\r\n\r\n";
  }

  Answer post(size_t node, const std::string& path, const std::string& body) {
    return publics_[node].call("POST " + path + " HTTP/1.1\r\nHost: k\r\nContent-Type: application/json\r\nContent-Length: " +
                                   std::to_string(body.size()) + "\r\n\r\n" + body, false);
  }

  /// Checks tickets with one write; those of forged ones have number 0.
  void check(size_t node, const std::vector<TicketPtr>& tickets) {
    std::string requests;
    for (const auto& ticket : tickets) requests += request_for(*ticket);
    const int64_t start = now_us();
    auto answers = privates_[node].call(requests, tickets.size(), true);
    // A server may close between two pipelined answers, as any may at any time: the rest is asked again.
    for (size_t i = 0; i < tickets.size(); ++i) {
      if (answers[i].status <= 0 && i > 0 && answers[i - 1].status > 0) {
        std::string rest;
        for (size_t j = i; j < tickets.size(); ++j) rest += request_for(*tickets[j]);
        auto more = privates_[node].call(rest, tickets.size() - i, true);
        std::move(more.begin(), more.end(), answers.begin() + static_cast<ptrdiff_t>(i));
      }
      const Answer& answer = answers[i];
      const Ticket& ticket = *tickets[i];
      std::string reason = answer.header("x-kaimen-reason");
      if (answer.status == 204 && answer.header("x-kaimen-session") != ticket.session_id) reason = "W";
      driver_.history.write(ticket.number ? 'C' : 'X', node, ticket.session, ticket.number, start, now_us(), answer.status, reason);
    }
  }

  Driver& driver_;
  std::mt19937_64 random_;
  const uint64_t number_;
  std::vector<Line> publics_, privates_;
};

/// Logs in, renews and logs out on sessions of its own.
class Writer : public Client {
 public:
  using Client::Client;

  void run() {
    const auto pause = std::chrono::microseconds(1'000'000 * driver_.options["writers"] / driver_.options["writes-per-second"]);
    auto due = std::chrono::steady_clock::now();
    while (!driver_.over()) {
      std::this_thread::sleep_until(due);
      due = std::max(due + pause, std::chrono::steady_clock::now() - std::chrono::seconds(1));
      if (live_.size() < kLive || below(100) < 5) {
        login();
        continue;
      }
      const size_t at = below(live_.size());
      if (below(100) < 55) renew(live_[at]);
      else log_out(at);
    }
  }

  /// Everything that was ever given, on every node; then what goes on must renew and what has ended must not.
  void look_at_all() {
    for (size_t node = 0; node < publics_.size(); ++node) {
      for (size_t i = 0; i < given_.size(); i += 16) {
        check(node, {given_.begin() + static_cast<ptrdiff_t>(i), given_.begin() + static_cast<ptrdiff_t>(std::min(i + 16, given_.size()))});
      }
    }
    for (auto& session : live_) renew(session);
    for (auto& session : ended_) renew(session);
  }
  size_t live() const { return live_.size(); }

 private:
  static constexpr size_t kLive = 12, kEndedKept = 300;
  struct Session {
    uint32_t number = 0;
    std::string id, renew_token;
    TicketPtr ticket;
  };

  TicketPtr take(Session& session, const Answer& answer) {
    session.renew_token = answer.text("renew_token");
    session.ticket = std::make_shared<Ticket>(Ticket{session.number, ++driver_.tickets, answer.text("token"), session.id});
    given_.push_back(session.ticket);
    return session.ticket;
  }

  void login() {
    const size_t node = any_node();
    Session session;
    session.number = ++driver_.sessions;
    // Some users have several sessions, made by several clients.
    const std::string user = std::to_string(driver_.options["seed"]) + "u" + std::to_string(below(4) ? session.number : below(50));
    const std::string code = user + "." + std::to_string(session.number);
    const std::string body = "{\"app_id\":\"" + driver_.options.texts.at("app") + "\",\"code\":\"" + code + "\"}";
    const int64_t start = now_us();
    const Answer answer = post(node, "/v1/login", body);
    const int64_t end = now_us();
    if (answer.status != 200) return driver_.history.write('L', node, session.number, 0, start, end, answer.status, answer.text("code"));
    const size_t at = answer.body.find("\"session\":{\"id\":\"");
    session.id = at == std::string::npos ? "?" : answer.body.substr(at + 17, 32);
    const auto ticket = take(session, answer);
    driver_.history.write('L', node, session.number, ticket->number, start, end, 200, "");
    driver_.board.add(ticket, false);
    live_.push_back(std::move(session));
  }

  void renew(Session& session) {
    const size_t node = any_node();
    const int64_t start = now_us();
    const Answer answer = post(node, "/v1/session/renew", "{\"renew_token\":\"" + session.renew_token + "\"}");
    const int64_t end = now_us();
    const auto ticket = answer.status == 200 ? take(session, answer) : nullptr;
    driver_.history.write('R', node, session.number, ticket ? ticket->number : 0, start, end, answer.status, answer.text("reason"));
    if (ticket) driver_.board.add(ticket, false);
  }

  void log_out(size_t at) {
    Session session = live_[at];
    const size_t node = any_node();
    driver_.board.add(session.ticket, true);
    const int64_t start = now_us();
    const Answer answer =
        publics_[node].call("DELETE /v1/session HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer " + session.ticket->token + "\r\n\r\n", false);
    driver_.history.write('O', node, session.number, session.ticket->number, start, now_us(), answer.status, answer.text("reason"));
    if (answer.status == -1) return;  // it goes on, for nobody was asked
    live_[at] = std::move(live_.back());
    live_.pop_back();
    if (answer.status == 204) {
      if (below(2)) check(node, {session.ticket});
      if (below(10) == 0) renew(session);
    }
    ended_.push_back(std::move(session));
    if (ended_.size() > kEndedKept) ended_.pop_front();
  }

  std::vector<Session> live_;
  std::deque<Session> ended_;
  std::vector<TicketPtr> given_;
};

/// Checks other clients' tickets, several with one write: issued, ended, and some with one letter changed.
class Checker : public Client {
 public:
  using Client::Client;

  void run() {
    constexpr uint64_t kMost = 8;
    const auto per_second = static_cast<double>(driver_.options["checks-per-second"]);
    const double pause_us = 1e6 * static_cast<double>(driver_.options["checkers"]) / per_second;
    auto due = std::chrono::steady_clock::now();
    while (!driver_.over()) {
      std::vector<TicketPtr> tickets;
      for (uint64_t wanted = 1 + below(kMost); wanted > 0; --wanted) {
        const uint64_t which = below(100);
        TicketPtr ticket = driver_.board.any(which < 35, random_());
        if (!ticket) continue;
        tickets.push_back(which < 97 ? std::move(ticket) : forged(*ticket));
      }
      if (!tickets.empty()) check(any_node(), tickets);
      due += std::chrono::microseconds(static_cast<int64_t>(pause_us * static_cast<double>(std::max<size_t>(tickets.size(), 1))));
      due = std::max(due, std::chrono::steady_clock::now() - std::chrono::seconds(1));
      std::this_thread::sleep_until(due);
    }
  }

 private:
  TicketPtr forged(const Ticket& ticket) {
    Ticket changed = ticket;
    changed.number = 0;
    char& letter = changed.token[4 + below(changed.token.size() - 5)];  // not the last: it has bits that mean nothing
    letter = letter == 'A' ? 'B' : 'A';
    return std::make_shared<Ticket>(std::move(changed));
  }
};

}  // namespace kaimen::failover
