// /admin/v1/backup: a copy of the SQLite store, step by step, driven by the caller (`kaimen backup`), who then takes the file away.
#include "api/admin.h"

namespace kaimen::api {

namespace {
constexpr int kSteps = 16;  // in one request: a fraction of a second
}

Answer back_up(Call& call, const core::Caller&) {
  http::Reader reader(call.body);
  bool anew = reader.boolean({"anew"}).value_or(false);
  CO_TRY(call.finish(reader));
  core::BackupProgress progress;
  for (int i = 0; i < kSteps && !progress.done; ++i) {
    auto stepped = co_await call.services.store.back_up(std::exchange(anew, false));
    CO_TRY(progress, std::move(stepped));
  }
  const http::json::object body{{"file", progress.file}, {"pages", progress.pages}, {"left", progress.left}, {"done", progress.done}};
  co_return json_response(200, body);
}

}  // namespace kaimen::api
