// /admin/v1/backup: a copy of the SQLite store, step by step, driven by the caller (`kaimen backup`), who then takes the file away.
#include "api/admin.h"

namespace kaimen::api {

namespace {
constexpr std::chrono::milliseconds kOneRequest{500};  // the caller waits seconds, and a step may have to wait for its turn
}

Answer back_up(Call& call, const core::Caller&) {
  http::Reader reader(call.body);
  bool anew = reader.boolean({"anew"}).value_or(false);
  CO_TRY(call.finish(reader));
  core::BackupProgress progress;
  for (const Deadline until = deadline_in(kOneRequest); !progress.done && deadline_in(Millis{0}) < until;) {
    auto stepped = co_await call.services.store.back_up(std::exchange(anew, false));
    CO_TRY(progress, std::move(stepped));
  }
  const http::json::object body{{"pages", progress.pages}, {"left", progress.left}, {"done", progress.done}};
  co_return json_response(200, body);
}

}  // namespace kaimen::api
