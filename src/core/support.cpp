#include "core/support.h"

#include "core/app_disabled.h"

#include <algorithm>

namespace kaimen::core {

namespace {

bool is_actor(std::string_view text) {
  return !text.empty() && text.size() <= kActorBytes && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Task<Result<SupportView>> Support::open(SupportRequest request, Trace* trace) {
  if (!request.app->settings.support_view) co_return make_error(ErrorCode::forbidden, "the app's support_view is off");
  if (request.app->disabled) co_return app_disabled();
  if (request.seconds < Seconds{1} || request.seconds > kSupportLongest) co_return make_error(ErrorCode::invalid_request, "seconds must be 1 to 900");
  if (!is_actor(request.actor)) co_return make_error(ErrorCode::invalid_request, "actor must be 1 to 128 printable ASCII characters without blanks");
  const Time now = live_.clock.now();
  OpenSupport act;
  act.user = request.user;
  CO_TRY(act.new_session, Id::make(now, random_));
  act.app = request.app->number;
  act.provider = request.app->platform;
  act.app_id = request.app->app_id;
  act.actor = request.actor;
  act.now = now;
  act.until = now + request.seconds;
  act.source = trace->source;
  Result<OpenedSession> opening = make_error(ErrorCode::internal);
  {
    Stopwatch watch(trace->store);
    opening = co_await store_.open_support(std::move(act));
  }
  CO_TRY(auto opened, std::move(opening));
  SupportView view;
  view.session = std::move(opened.session);
  trace->user_id = view.session.user.hex();
  trace->session_id = view.session.id.hex();
  CO_TRY(auto issued, tickets_.issue(*request.app, view.session, opened.user, now));
  view.token = std::move(issued.token);
  view.expires_in = issued.expires_in;
  co_return view;
}

}  // namespace kaimen::core
