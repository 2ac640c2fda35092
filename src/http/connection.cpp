#include "http/connection.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "base/log.h"

namespace kaimen::http {

namespace {

constexpr size_t kFirstBufferBytes = 2 * 1024;      // what an idle connection keeps; a check takes less
constexpr size_t kReadBytes = 2 * 1024;            // room offered to each read, at least
constexpr size_t kKeptBytes = 64 * 1024;           // larger buffers are given back after their request
constexpr size_t kAnswersAtOnceBytes = 64 * 1024;  // pipelined answers collected before one write
constexpr size_t kRequestIdBytes = 64;
constexpr int64_t kLeastPace = 16 * 1024;          // bytes a second that a reader must take of an answer, over each write_time
constexpr Millis kLingerTime{2'000};    // for a refused peer to read why
constexpr Millis kDrainGrace{500};      // for a request that is on its way when the server stops

bool is_sane_request_id(std::string_view id) {
  if (id.empty() || id.size() > kRequestIdBytes) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

// A free coroutine that takes pointers: an exception must not leave the spawned task, where it would end the process.
Task<Response> guarded(Handler* handler, const Request* request) {
  std::string why;
  try {
    auto answer = handler->handle(*request);
    Response response = co_await std::move(answer);
    co_return response;
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {
    why = "an exception of unknown type";
  }
  log::Line("handler_exception").field("request_id", request->request_id).field("message", why).emit(log::Level::error);
  co_return handler->refuse(500, "internal error", request->request_id);
}

}  // namespace

Connection::Connection(ConnectionContext& context, Peer peer, int listener)
    : peer_(std::move(peer)),
      context_(context),
      trusted_peer_(context.trusted.contains(peer_)),
      scanner_({context.limits.request_line_bytes, context.limits.header_bytes, context.limits.header_count}) {
  request_.peer = &peer_;
  request_.listener = listener;
  context_.open.add(1);
  context_.accepted.add(1);
  context_.connections.push_back(*this);
  set_deadline(context_.limits.header_time);
}

Connection::~Connection() { context_.open.add(-1); }

void Connection::set_deadline(Millis time) { deadline_ = context_.now + time; }

void Connection::close() {
  closed_ = true;
  held_.clear();
  sending_held_.clear();
  abort();
}

void Connection::serve() {
  waiting_ = Waiting::first_byte;
  read();
}

// A long answer to a slow reader takes its time; one that takes next to nothing holds it no longer than one that takes nothing at all.
void Connection::look_at_progress() {
  const int64_t taken = handed_over_ - unsent();
  if (taken - taken_ < kLeastPace * context_.limits.write_time.count() / 1000) return;
  taken_ = taken;
  set_deadline(context_.limits.write_time);
}

void Connection::sweep() {
  if (is_sending_ && !closed_) look_at_progress();
  if (closed_ || timed_out_ || context_.now <= deadline_) return;
  switch (waiting_) {
    case Waiting::handler: return;
    case Waiting::head:
    case Waiting::body:
      timed_out_ = true;
      cancel_read();
      return;
    default: close();
  }
}

void Connection::drain() {
  if (closed_) return;
  if (waiting_ == Waiting::next_request && !has_unread()) return close();
  if (waiting_ == Waiting::first_byte || waiting_ == Waiting::next_request) set_deadline(kDrainGrace);
}

void Connection::read() {
  const Waiting next = in_body_ ? Waiting::body : begin_ != end_ ? Waiting::head : waiting_ == Waiting::first_byte ? waiting_ : Waiting::next_request;
  if (next != waiting_) {
    waiting_ = next;
    if (next == Waiting::body) set_deadline(context_.limits.body_time);
    else if (next == Waiting::head) set_deadline(context_.limits.header_time);
    else set_deadline(context_.draining ? kDrainGrace : context_.limits.idle_time);
  }
  make_room();
  start_read(buffer_.get() + end_, capacity_ - end_);
}

// The only place where the buffer moves: never while a handler views it.
void Connection::make_room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (capacity_ > kKeptBytes) {
      buffer_.reset();
      capacity_ = 0;
    }
  } else if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    views_stale_ = in_body_;
  }
  if (in_body_ && chunks_used_ > 0) {
    char* chunks = buffer_.get() + head().size();
    std::memmove(chunks, chunks + chunks_used_, end_ - head().size() - chunks_used_);
    end_ -= std::exchange(chunks_used_, 0);
  }
  if (capacity_ - end_ >= kReadBytes) return;
  const size_t larger = std::max(kFirstBufferBytes, capacity_ * 2);
  auto moved = std::make_unique_for_overwrite<char[]>(larger);
  if (end_ > 0) std::memcpy(moved.get(), buffer_.get(), end_);
  buffer_ = std::move(moved);
  capacity_ = larger;
  views_stale_ = in_body_;
}

void Connection::on_read(bool failed, size_t size) {
  if (closed_) return;
  if (timed_out_) {
    timed_out_ = false;
    refuse(408, "the request took too long");
    return go_on();
  }
  if (failed) return close();
  end_ += size;
  go_on();
}

void Connection::on_sent(bool failed) {
  if (closed_) return;
  if (failed) return close();
  is_sending_ = false;
  forget_sent();
  go_on();
}

void Connection::go_on() {
  if (going_on_) return;  // a handler that answered at once; the loop below is its caller
  going_on_ = true;
  for (;;) {
    while (!closed_ && !closing_ && !working_ && out_.size() < kAnswersAtOnceBytes && next_request()) {
    }
    if (closed_ || out_.empty()) break;
    sending_.swap(out_);
    sending_held_.swap(held_);
    out_.clear();
    const Sent sent = send(sending_);
    if (sent == Sent::all) {
      forget_sent();
      continue;
    }
    if (sent == Sent::failed) {
      close();
      break;
    }
    is_sending_ = true;
    waiting_ = Waiting::write;
    taken_ = handed_over_ - unsent();
    set_deadline(context_.limits.write_time);
    going_on_ = false;
    return;
  }
  going_on_ = false;
  if (closed_) return;
  if (working_) {
    waiting_ = Waiting::handler;
  } else if (closing_) {
    waiting_ = Waiting::end;
    set_deadline(context_.draining ? kDrainGrace : kLingerTime);
    finish();
  } else {
    read();
  }
}

// True when something was done and the next request may be looked at; false when more bytes are needed or nothing more is to be read.
bool Connection::next_request() {
  if (begin_ == end_ && !in_body_) return false;
  if (!in_body_ && !begin_request()) return false;
  return complete_body() && dispatch();
}

bool Connection::begin_request() {
  if (!scanner_.scan(buffered())) {
    if (const auto& refusal = scanner_.refusal()) refuse(refusal.status, refusal.why);
    return false;
  }
  framing_ = scanner_.framing();
  scanner_.fill(head(), request_);
  describe();
  if ((framing_.chunked || framing_.content_length > 0) && !begin_body()) return false;
  in_body_ = true;
  views_stale_ = false;
  return true;
}

bool Connection::begin_body() {
  const auto limit = context_.handler.body_limit(request_, context_.limits.body_bytes);
  if (!limit) {
    if (!has_whole_body()) drop_body();
    return true;
  }
  if (framing_.content_length > *limit) {
    refuse(413, "the body is too large");
    return false;
  }
  if (framing_.chunked) chunks_.emplace(chunked_body_, *limit, context_.limits.header_bytes);
  if (framing_.expects_continue && !framing_.http_1_0 && buffered().size() == head().size()) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  return true;
}

// Chunks are not looked at, so it is not known where they end.
bool Connection::has_whole_body() const { return !framing_.chunked && buffered().size() - head().size() >= framing_.content_length; }

// The request is taken as one without a body, and as the last: where the next would begin nobody will know.
void Connection::drop_body() {
  end_ = begin_ + head().size();
  framing_.chunked = framing_.keep_alive = false;
  framing_.content_length = 0;
}

void Connection::describe() {
  request_.body = {};
  request_.http_1_0 = framing_.http_1_0;
  request_.https = peer_.tls;
  request_.client_ip = peer_.address;
  if (trusted_peer_) {
    if (auto client = forwarded_for(request_, context_.trusted)) request_.client_ip = std::move(*client);
    if (const auto* scheme = request_.header("X-Forwarded-Proto")) request_.https = name_is(*scheme, "https");
    if (const auto* id = request_.header("X-Request-Id"); id && is_sane_request_id(*id)) {
      request_.request_id = *id;
      return;
    }
  }
  context_.ids.next(request_.request_id);
}

// True when as much of the body is there as is waited for.
bool Connection::complete_body() {
  if (!framing_.chunked) return has_whole_body();
  const auto raw = buffered().substr(head().size() + chunks_used_);
  if (raw.empty()) return false;
  ChunkDecoder::Code error;
  chunks_used_ += chunks_->decode(raw, error);
  if (error) {
    const bool too_large = error == boost::beast::http::error::body_limit;
    refuse(too_large ? 413 : 400, too_large ? "the body is too large" : "malformed chunked body");
    return false;
  }
  return chunks_->is_done();
}

bool Connection::dispatch() {
  if (views_stale_) scanner_.fill(head(), request_);
  request_.body = framing_.chunked ? std::string_view(chunked_body_) : buffered().substr(head().size(), framing_.content_length);
  context_.requests.add(1);
  waiting_ = Waiting::handler;  // so that the next read begins a deadline of its own
  const bool keep_alive = framing_.keep_alive && !context_.draining;
  // A ready-made answer cannot tell an HTTP/1.0 client that the connection stays, so there it does not.
  const bool keep_after_now = keep_alive && !framing_.http_1_0;
  const size_t before = out_.size();
  try {
    if (context_.handler.answer_now(request_, keep_after_now, out_)) {
      closing_ = !keep_after_now;
      consume();
      return true;
    }
  } catch (const std::exception& error) {
    log::Line("handler_exception").field("request_id", request_.request_id).field("message", error.what()).emit(log::Level::error);
    out_.resize(before);
    answer_refusal(500, "internal error", keep_alive);
    consume();
    return true;
  }
  keep_alive_ = keep_alive;
  working_ = true;
  context_.working.add(1);
  boost::intrusive_ptr<Connection> self(this);
  spawn<Response>(guarded(&context_.handler, &request_), [self](const Response& response) { self->on_answer(response); });
  return true;
}

void Connection::on_answer(const Response& response) {
  working_ = false;
  context_.working.add(-1);
  if (closed_) return;  // the peer went away; the work is done all the same
  if (response.abort) return close();
  const bool keep_alive = keep_alive_ && !response.close && !context_.draining;
  write_response(out_, response, request_, keep_alive);
  if (response.held) held_.push_back(response.held);
  closing_ = !keep_alive;
  consume();
  if (!is_sending_) go_on();
}

// A large answer must not lie in memory for as long as its connection then rests.
void Connection::forget_sent() {
  if (sending_.capacity() > kKeptBytes) sending_ = std::string();
  sending_held_.clear();
}

void Connection::answer_refusal(int status, std::string_view why, bool keep_alive) {
  const Response response = context_.handler.refuse(status, why, request_.request_id);
  keep_alive = keep_alive && !response.close;
  write_response(out_, response, request_, keep_alive);
  closing_ = !keep_alive;
}

void Connection::refuse(int status, std::string_view why) {
  if (!in_body_) {
    // The head was not understood, so it names no request; what the last request left here must not show.
    if (request_.headers.empty()) request_.method = {};
    if (status != 413) context_.ids.next(request_.request_id);
  }
  if (views_stale_ && in_body_) scanner_.fill(head(), request_);  // the answer looks at the method
  context_.refused.add(1);
  answer_refusal(status, why, false);
}

void Connection::consume() {
  begin_ += head().size() + (framing_.chunked ? chunks_used_ : static_cast<size_t>(framing_.content_length));
  in_body_ = false;
  chunks_used_ = 0;
  scanner_.reset();
  chunks_.reset();
  request_.headers.clear();
  request_.method = {};
  if (chunked_body_.capacity() > kKeptBytes) chunked_body_ = std::string();
  chunked_body_.clear();
}

}  // namespace kaimen::http
