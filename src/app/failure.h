// What a command-line verb says when it cannot do its work: one or more errors, and what to do about them. Written to stderr as
// "kaimen: error: …" and "kaimen: hint: …"; the exit status is 1 for what happened at run time, 2 for usage and configuration.
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/try.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace kaimen::app {

inline constexpr int kExitOk = 0;
inline constexpr int kExitRuntime = 1;
inline constexpr int kExitUsage = 2;

struct Failure {
  std::vector<std::string> errors;
  std::string hint;
  int exit_code = kExitRuntime;
};

template <class T = void>
using OrFail = BOOST_OUTCOME_V2_NAMESPACE::basic_result<T, Failure, BOOST_OUTCOME_V2_NAMESPACE::policy::terminate>;

inline Failure fail(std::string error, std::string hint = {}) { return Failure{{std::move(error)}, std::move(hint), kExitRuntime}; }
inline Failure misconfigured(std::string error, std::string hint = {}) { return Failure{{std::move(error)}, std::move(hint), kExitUsage}; }

/// Writes the failure to stderr and returns its exit status.
int complain(const Failure& failure);

}  // namespace kaimen::app
