#include "sandbox/sandbox.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "sandbox/call_log.h"
#include "sandbox/component_calls.h"
#include "sandbox/content_calls.h"
#include "sandbox/control_calls.h"
#include "sandbox/faults.h"
#include "sandbox/push.h"
#include "sandbox/signing.h"
#include "sandbox/waiting_room.h"
#include "sandbox/wechat_calls.h"
#include "sandbox/world.h"

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

constexpr Millis kLongestHang{600'000};
constexpr size_t kMediaBytes = 11 * 1024 * 1024;
constexpr std::string_view kControlPrefix = "/sandbox/";
constexpr std::string_view kJsonType = "application/json";

http::Response respond(int status, std::string_view type, std::string body) {
  http::Response response;
  response.status = status;
  response.set("Content-Type", std::string(type));
  response.body = std::move(body);
  return response;
}
http::Response respond(const ControlAnswer& answer) { return respond(answer.status, kJsonType, http::to_text(answer.json)); }

}  // namespace

struct Sandbox::Impl final : http::Handler {
  Impl(const Clock& the_clock, Random& the_random, SandboxOptions options)
      : clock(the_clock), random(the_random), world(the_random, options.devtools, options.key_interval) {}

  const Clock& clock;
  Random& random;
  WaitingRoom waiting_room;
  std::atomic<bool> stopping{false};
  std::mutex mutex;  // around all of:
  World world;
  Faults faults;
  CallLog calls;
  http::Client client;  // what is pushed goes out by it
  WaitingRoom verdicts;  // pushes them, too: a slow receiver holds up verdicts only

  // WeChat takes media of 10 MB.
  std::optional<size_t> body_limit(const http::Request& head, size_t default_limit) const override {
    return head.path.starts_with(kControlPrefix) ? default_limit : std::max(default_limit, kMediaBytes);
  }
  bool answer_now(const http::Request&, bool, std::string&) override { return false; }
  http::Response refuse(int status, std::string_view why, std::string_view) override { return respond(refuse_control(status, why)); }

  Task<http::Response> handle(const http::Request& request) override {
    if (request.path == "/sandbox/push") {
      auto pushed = co_await handle_push(request);
      co_return pushed;
    }
    if (request.path == "/sandbox/media-checks") {
      auto answered = co_await handle_media_checks(request);
      co_return answered;
    }
    if (is_component_order(request.path)) {
      auto ordered = co_await handle_component(request);
      co_return ordered;
    }
    if (request.path.starts_with(kControlPrefix)) co_return handle_control(request);
    Question question{request.method, request.path, {}, request.body, clock.now(), &request};
    if (!http::parse_parameters(request.query, question.query)) co_return refuse(400, "bad percent-encoding", request.request_id);
    const auto fault = draw_fault(question.path);
    if (fault && fault->delay.count() > 0) {
      Wait<bool> pause = wait_for(fault->delay, false);
      co_await pause;
      question.now = clock.now();
    }
    if (fault && fault->kind == Fault::Kind::hang) {
      note(question, std::nullopt, fault);
      Wait<bool> pause = wait_for(kLongestHang, true);
      co_await pause;
      co_return hang_up();
    }
    http::Response response = answer(question, fault);
    if (question.path == "/wxa/media_check_async") plan_verdicts(question);
    co_return response;
  }

  Wait<bool> wait_for(Millis duration, bool hanging) {
    return Wait<bool>([this, duration, hanging](Wait<bool>::Done done) { waiting_room.wait(duration, hanging, std::move(done)); });
  }

  std::optional<Fault> draw_fault(std::string_view path) {
    std::lock_guard lock(mutex);
    return faults.hit(path, random);
  }

  void note(const Question& question, std::optional<int64_t> errcode, const std::optional<Fault>& fault) {
    std::lock_guard lock(mutex);
    note_locked(question, errcode, fault);
  }
  void note_locked(const Question& question, std::optional<int64_t> errcode, const std::optional<Fault>& fault) {
    const auto app = world.app_of_token(question.parameter("access_token"), question.now);
    calls.add(question, app ? app.value() : nullptr, errcode, fault);
  }

  static http::Response hang_up() {
    http::Response response;
    response.abort = true;
    return response;
  }

  http::Response answer(Question& question, const std::optional<Fault>& fault) {
    const auto type = content_type_of(question.path);
    const int status = fault ? fault->status : 200;
    switch (fault ? fault->kind : Fault::Kind::none) {
      case Fault::Kind::drop:
      case Fault::Kind::hang: note(question, std::nullopt, fault); return hang_up();
      case Fault::Kind::empty: note(question, std::nullopt, fault); return respond(status, type, "");
      case Fault::Kind::body: note(question, std::nullopt, fault); return respond(status, type, fault->body);
      case Fault::Kind::garbage: {
        note(question, std::nullopt, fault);
        const auto bytes = random.bytes<256>();
        return respond(status, type, bytes ? std::string(bytes.value().begin(), bytes.value().end()) : std::string("\xff", 1));
      }
      case Fault::Kind::errcode: {
        note(question, fault->errcode, fault);
        return respond(status, type, http::to_text(refuse_as_wechat(fault->errcode, "sandbox fault", random).json));
      }
      case Fault::Kind::none: break;
    }
    std::lock_guard lock(mutex);
    std::string plain;
    const auto opened = open_signed(world, question, plain);
    const Answer given = opened ? ask_wechat(world, question, random) : refuse_as_wechat(opened.error().errcode, opened.error().errmsg, random);
    note_locked(question, given.errcode(), fault);
    if (!given.image.empty()) return respond(status, "image/png", given.image);
    http::Response response = respond(status, type, http::to_text(given.json));
    if (opened && opened.value()) sign_answer(response, *opened.value(), question.now, random);
    return response;
  }

  http::Response handle_control(const http::Request& request) {
    if (request.path == "/sandbox/calls") return handle_calls(request);
    if (request.path == "/sandbox/faults") return handle_faults(request);
    if (request.method != "POST") return respond(refuse_control(405, "the control side takes POST here"));
    std::lock_guard lock(mutex);
    return respond(control(world, request.path, request.body, clock.now(), random));
  }

  Result<PushLetter> ordered_push(const http::Request& request) {
    TRY(const auto parsed, http::parse_json(request.body));
    const auto* order = parsed.if_object();
    if (request.method != "POST" || !order) return make_error(ErrorCode::invalid_request, "POST a JSON object");
    std::lock_guard lock(mutex);
    return write_push(world, *order, clock.now(), random);
  }

  Task<http::Response> handle_push(const http::Request& request) {
    const auto letter = ordered_push(request);
    if (!letter) co_return respond(refuse_control(letter.error().code == ErrorCode::not_found ? 404 : 400, letter.error().detail));
    ControlAnswer answer;
    co_await send_letter(letter.value(), &answer.json);
    co_return respond(answer);
  }

  /// Adds what was sent, and what came back.
  Task<void> send_letter(PushLetter letter, json::object* answer) {
    auto sending = client.send(request_of(letter));
    const auto came_back = co_await std::move(sending);
    (*answer)["query"] = letter.query;
    (*answer)["request_body"] = letter.body;
    if (came_back) {
      (*answer)["status"] = came_back.value().status;
      (*answer)["body"] = came_back.value().body;
      (*answer)["reply"] = read_push_reply(letter, came_back.value().body);
    } else {
      (*answer)["status"] = nullptr;
      (*answer)["error"] = came_back.error().detail;
    }
  }

  Result<ComponentOrder> ordered_component(const http::Request& request) {
    TRY(const auto parsed, http::parse_json(request.body));
    const auto* order = parsed.if_object();
    if (request.method != "POST" || !order) return make_error(ErrorCode::invalid_request, "POST a JSON object");
    std::lock_guard lock(mutex);
    return order_component(world, request.path, *order, clock.now(), random);
  }

  /// What WeChat or an account's administrator does with a third-party platform, and the push that tells of it.
  Task<http::Response> handle_component(const http::Request& request) {
    auto order = ordered_component(request);
    if (!order) co_return respond(refuse_control(order.error().code == ErrorCode::not_found ? 404 : 400, order.error().detail));
    ControlAnswer answer;
    answer.json = std::move(order.value().answer);
    if (order.value().letter) co_await send_letter(*order.value().letter, &answer.json);
    co_return respond(answer);
  }

  /// The next check of an app that is to be answered; nullopt: there is none.
  std::optional<MediaCheck> take_media_check(const std::string& appid) {
    std::lock_guard lock(mutex);
    App* app = world.find_app(appid);
    if (!app || app->media_checks.empty()) return std::nullopt;
    MediaCheck check = std::move(app->media_checks.front());
    app->media_checks.pop_front();
    return check;
  }
  Result<PushLetter> verdict_letter(const std::string& appid, const MediaCheck& check, const std::optional<std::string>& picture) {
    std::lock_guard lock(mutex);
    const App* app = world.find_app(appid);
    if (!app) return make_error(ErrorCode::not_found, "the app is gone");
    return write_push(*app, media_verdict(check, *app, picture, clock.now()), clock.now(), random);
  }

  /// What WeChat does when it finds the time: looks at the pictures it was asked about, and pushes what it thinks of each.
  Task<http::Response> handle_media_checks(const http::Request& request) {
    auto parsed = http::parse_json(request.body);
    const auto* order = parsed ? parsed.value().if_object() : nullptr;
    if (request.method != "POST" || !order) co_return respond(refuse_control(400, "POST a JSON object"));
    http::Reader reader(*order);
    const std::string appid = reader.require_string({"appid", "app_id"});
    if (const auto problem = reader.check(); !problem) co_return respond(refuse_control(400, problem.error().detail));
    auto telling = tell_verdicts(appid);
    auto told = co_await std::move(telling);
    if (!told) co_return respond(refuse_control(404, told.error().detail));
    ControlAnswer answer;
    answer.json["items"] = std::move(told.value());
    co_return respond(answer);
  }

  /// Verdicts follow by themselves where the app says so.
  void plan_verdicts(const Question& question) {
    std::string appid;
    Millis pause{0};
    {
      std::lock_guard lock(mutex);
      const auto app = world.app_of_token(question.parameter("access_token"), question.now);
      if (!app || !app.value()->media_pause || app.value()->media_checks.empty()) return;
      appid = app.value()->appid;
      pause = *app.value()->media_pause;
    }
    verdicts.wait(pause, false, [this, appid](bool) {
      if (!stopping) static_cast<void>(run_here(tell_verdicts(appid)));
    });
  }

  Task<Result<json::array>> tell_verdicts(std::string appid) {
    json::array items;
    while (const auto check = take_media_check(appid)) {
      const size_t path = check->url.find('/', check->url.find("://") + 3);
      const auto base = http::BaseUrl::parse(std::string_view(check->url).substr(0, path));
      std::optional<std::string> picture;
      if (base && path != std::string::npos) {
        http::ClientRequest fetch;
        fetch.url = *base;
        fetch.target = check->url.substr(path);
        fetch.deadline = deadline_in(Millis{5000});
        fetch.max_body_bytes = 4 * 1024 * 1024;
        auto fetching = client.send(std::move(fetch));
        auto fetched = co_await std::move(fetching);
        if (fetched && fetched.value().status == 200) picture = std::move(fetched.value().body);
      }
      const auto letter = verdict_letter(appid, *check, picture);
      if (!letter) co_return letter.error();
      auto sending = client.send(request_of(letter.value()));
      const auto came_back = co_await std::move(sending);
      json::object item{{"trace_id", check->trace_id}, {"url", check->url}, {"fetched", picture.has_value()}, {"status", nullptr}};
      if (came_back) item["status"] = came_back.value().status;
      items.push_back(std::move(item));
    }
    co_return items;
  }

  http::Response handle_calls(const http::Request& request) {
    std::lock_guard lock(mutex);
    if (request.method == "DELETE") {
      calls.clear();
      return respond(ControlAnswer{});
    }
    if (request.method != "GET") return respond(refuse_control(405, "GET reads the calls, DELETE forgets them"));
    ControlAnswer answer_with_items;
    answer_with_items.json["items"] = calls.items();
    return respond(answer_with_items);
  }

  http::Response handle_faults(const http::Request& request) {
    if (request.method != "PUT") return respond(refuse_control(405, "PUT sets a fault, PUT {} clears them"));
    auto parsed = http::parse_json(request.body);
    const auto* fields = parsed ? parsed.value().if_object() : nullptr;
    if (!fields) return respond(refuse_control(400, parsed ? "the body must be a JSON object" : parsed.error().detail));
    {
      std::lock_guard lock(mutex);
      const auto put = faults.put(*fields);
      if (!put) return respond(refuse_control(400, put.error().detail));
    }
    waiting_room.release_hanging();
    return respond(ControlAnswer{});
  }
};

Sandbox::Sandbox(const Clock& clock, Random& random, SandboxOptions options) : impl_(std::make_unique<Impl>(clock, random, options)) {}
Sandbox::~Sandbox() { stop(); }

void Sandbox::add_app(std::string appid, Secret secret) {
  std::lock_guard lock(impl_->mutex);
  if (auto* app = impl_->world.put_app(appid)) app->secret = std::move(secret);
}

http::Handler& Sandbox::handler() { return *impl_; }
void Sandbox::stop() {
  impl_->stopping = true;
  impl_->verdicts.stop();
  impl_->waiting_room.stop();
}

}  // namespace kaimen::sandbox
