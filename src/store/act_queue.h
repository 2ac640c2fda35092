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
  ActOf(Kind kind, std::function<Result<T>(ActContext&)> work, std::function<void(Result<T>)> done)
      : Act(kind), work_(std::move(work)), done_(std::move(done)) {}
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

template <class T>
class OutsideAct final : public Act {
 public:
  OutsideAct(std::function<Result<T>(Engine&)> work, std::function<void(Result<T>)> done)
      : Act(Kind::outside), work_(std::move(work)), done_(std::move(done)) {}
  bool run(ActContext&) override { return false; }
  void run_outside(Engine& engine) override { result_.emplace(work_(engine)); }
  void fail(const Error& error) override { result_.emplace(error); }
  void finish() override { done_(std::move(*result_)); }

 private:
  std::function<Result<T>(Engine&)> work_;
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
    return submit<T, ActOf<T>>(*writer_, std::move(work), Act::Kind::writes);
  }
  /// `work` only reads.
  template <class T>
  Task<Result<T>> read(std::function<Result<T>(ActContext&)> work) const {
    return submit<T, ActOf<T>>(*writer_, std::move(work), Act::Kind::reads);
  }
  /// `work` is done on the engine itself, between transactions.
  template <class T>
  Task<Result<T>> outside(std::function<Result<T>(Engine&)> work) const {
    return submit<T, OutsideAct<T>>(*writer_, std::move(work));
  }

 private:
  template <class T, class Made, class Work, class... Kind>
  static Task<Result<T>> submit(Writer& writer, Work work, Kind... kind) {
    Wait<Result<T>> wait([&writer, work = std::move(work), kind...](std::function<void(Result<T>)> done) mutable {
      writer.push(std::make_unique<Made>(kind..., std::move(work), std::move(done)));
    });
    Result<T> result = co_await wait;
    co_return std::move(result);
  }

  Writer* writer_;
};

}  // namespace kaimen::store
