#include "app/failure.h"

#include <iostream>

namespace kaimen::app {

int complain(const Failure& failure) {
  std::cout.flush();
  for (const auto& error : failure.errors) std::cerr << "kaimen: error: " << error << '\n';
  if (!failure.hint.empty()) std::cerr << "kaimen: hint: " << failure.hint << '\n';
  return failure.exit_code;
}

}  // namespace kaimen::app
