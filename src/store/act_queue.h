// How the ports of the store hand their acts to the writer: a task that ends when the act is durable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/task.h"
#include "store/act.h"
#include "store/writer.h"

namespace kaimen::store {

template <class T>
class ActOf final : public Act {
 public:
  ActOf(bool act_writes, std::function<Result<T>(ActContext&)> work, std::function<void(Result<T>)> done)
      : Act(act_writes), work_(std::move(work)), done_(std::move(done)) {}
  bool run(ActContext& context) override {
    result_.emplace(work_(context));
    return result_->has_value();
  }
  void fail(const Error& error) override { result_.emplace(error); }
  void finish() override { done_(std::move(*result_)); }

 private:
  std::function<Result<T>(ActContext&)> work_;
  std::function<void(Result<T>)> done_;
  std::optional<Result<T>> result_;
};

/// A writer as its ports see it. Copies name the same one, which must outlive them.
class ActQueue {
 public:
  explicit ActQueue(Writer& writer) : writer_(&writer) {}

  /// `work` may change rows.
  template <class T>
  Task<Result<T>> write(std::function<Result<T>(ActContext&)> work) const {
    return submit<T>(*writer_, true, std::move(work));
  }
  /// `work` only reads.
  template <class T>
  Task<Result<T>> read(std::function<Result<T>(ActContext&)> work) const {
    return submit<T>(*writer_, false, std::move(work));
  }

 private:
  template <class T>
  static Task<Result<T>> submit(Writer& writer, bool writes, std::function<Result<T>(ActContext&)> work) {
    Wait<Result<T>> wait([&writer, writes, work = std::move(work)](std::function<void(Result<T>)> done) mutable {
      writer.push(std::make_unique<ActOf<T>>(writes, std::move(work), std::move(done)));
    });
    Result<T> result = co_await wait;
    co_return std::move(result);
  }

  Writer* writer_;
};

}  // namespace kaimen::store
