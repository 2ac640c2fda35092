#include "load_stream.h"

#include <poll.h>
#include <sys/epoll.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

namespace kaimen::bench {

namespace {

// Requests in one file, each ended by a zero byte.
std::vector<std::string> read_requests(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot read " + path);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> requests;
  for (size_t at = 0; at < all.size();) {
    const size_t end = std::min(all.find('\0', at), all.size());
    requests.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  if (requests.empty()) fail("no request in " + path);
  return requests;
}

// The size of the whole answer at the beginning of `in`; 0 while it is not complete.
size_t complete_answer(std::string_view in, int& status) {
  const size_t head_end = in.find("\r\n\r\n");
  if (head_end == in.npos) return 0;
  status = 0;
  std::from_chars(in.data() + 9, in.data() + 12, status);
  size_t body = 0;
  if (status != 204) {
    for (const std::string_view name : {"Content-Length: ", "content-length: "}) {
      const size_t at = in.substr(0, head_end).find(name);
      if (at != in.npos) std::from_chars(in.data() + at + name.size(), in.data() + head_end, body);
    }
  }
  const size_t size = head_end + 4 + body;
  return in.size() >= size ? size : 0;
}

}  // namespace

StreamOptions StreamOptions::parse(const std::string& text) {
  StreamOptions options;
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, ',');) {
    const size_t equals = item.find('=');
    const std::string key = item.substr(0, equals), value = equals == item.npos ? "" : item.substr(equals + 1);
    if (key == "name") options.name = value;
    else if (key == "to") options.to = value;
    else if (key == "request") options.request_file = value;
    else if (key == "connections") options.connections = std::stoul(value);
    else if (key == "rate") options.rate = std::stod(value);
    else if (key == "expect") options.expect = std::stoi(value);
    else if (key == "number") options.first_number = std::stoull(value);
    else fail("unknown option " + item);
  }
  return options;
}

Stream::Stream(StreamOptions options, int epoll)
    : options_(std::move(options)), address_(options_.to), epoll_(epoll), requests_(read_requests(options_.request_file)), connections_(options_.connections), number_(options_.first_number) {
  for (const auto& request : requests_) marks_.push_back(request.find(std::string(kMarkSize, kMark)));
  for (auto& connection : connections_) {
    connection.stream = this;
    connection.in.reserve(4096);
    reconnect(connection);
  }
}

void Stream::reconnect(Connection& connection) {
  if (connection.descriptor >= 0) ::close(connection.descriptor);
  connection.descriptor = connect_to(address_);
  connection.in.clear();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &connection;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.descriptor, &event) != 0) fail("epoll_ctl");
}

void Stream::start(uint64_t now, uint64_t begin, uint64_t end) {
  started_ = next_due_ = now;
  begin_ = begin;
  end_ = end;
  for (auto& connection : connections_) {
    if (is_open()) idle_.push_back(&connection);
    else send(connection, now);
  }
}

void Stream::tick(uint64_t now) {
  if (!is_open()) return;
  while (next_due_ <= now && next_due_ < end_) {
    due_.push_back(next_due_);
    // From the count, not from the last one: a rate must not drift.
    next_due_ = started_ + static_cast<uint64_t>(static_cast<double>(++due_count_) * 1e9 / options_.rate);
  }
  while (!due_.empty() && !idle_.empty()) {
    Connection& connection = *idle_.back();
    idle_.pop_back();
    send(connection, due_.front());
    due_.pop_front();
  }
}

void Stream::send(Connection& connection, uint64_t since) {
  const size_t which = next_request_++ % requests_.size();
  std::string& request = requests_[which];
  if (marks_[which] != std::string::npos) {
    uint64_t number = number_++;
    for (size_t i = kMarkSize; i-- > 0; number >>= 4) request[marks_[which] + i] = "0123456789abcdef"[number & 15];
  }
  connection.since = since;
  if (is_open() && counts(since)) ++measured_out_;
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t got = ::send(connection.descriptor, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (got > 0) {
      sent += static_cast<size_t>(got);
    } else if (errno == EAGAIN) {
      pollfd wait{connection.descriptor, POLLOUT, 0};
      ::poll(&wait, 1, 1000);
    } else {
      break;  // the end shows when it is read
    }
  }
}

void Stream::readable(Connection& connection, uint64_t now) {
  char buffer[16384];
  const ssize_t got = ::recv(connection.descriptor, buffer, sizeof buffer, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    if (connection.since != 0) {
      if (counts(connection.since)) ++errors_;
      if (is_open() && counts(connection.since)) --measured_out_;
      reconnect(connection);
      connection.since = 0;
      if (is_open()) idle_.push_back(&connection);
      else send(connection, now);
    } else {
      reconnect(connection);
    }
    return;
  }
  int status = 0;
  const std::string_view whole(buffer, static_cast<size_t>(got));
  if (connection.in.empty() && complete_answer(whole, status) == whole.size()) {
    ++statuses_[status];
  } else {
    connection.in.append(whole);
    if (complete_answer(connection.in, status) != connection.in.size()) return;
    ++statuses_[status];
    connection.in.clear();
  }
  const bool good = options_.expect == 0 || status == options_.expect;
  const uint64_t counted_at = is_open() ? connection.since : now;
  if (counts(counted_at)) {
    ++(good ? good_ : errors_);
    latencies_.add(now - connection.since);
    if (is_open()) --measured_out_;
  }
  connection.since = 0;
  answered(connection, now);
}

void Stream::answered(Connection& connection, uint64_t now) {
  if (!is_open()) {
    if (now < end_) send(connection, now);
  } else if (!due_.empty()) {
    send(connection, due_.front());
    due_.pop_front();
  } else {
    idle_.push_back(&connection);
  }
}

std::string Stream::report(double seconds) const {
  std::ostringstream out;
  // What is still out when the generator stops waiting was not answered.
  const uint64_t lost = is_open() ? measured_out_ + due_.size() : 0;
  out << "{\"name\":\"" << options_.name << "\",\"requests\":" << good_ << ",\"errors\":" << errors_ + lost << ",\"per_second\":" << static_cast<double>(good_) / seconds;
  out << ",\"p50_us\":" << latencies_.quantile_us(0.5) << ",\"p99_us\":" << latencies_.quantile_us(0.99) << ",\"p999_us\":" << latencies_.quantile_us(0.999)
      << ",\"max_us\":" << latencies_.max_us() << ",\"statuses\":{";
  const char* comma = "";
  for (const auto& [status, count] : statuses_) {
    out << comma << '"' << status << "\":" << count;
    comma = ",";
  }
  out << "}}";
  return out.str();
}

}  // namespace kaimen::bench
