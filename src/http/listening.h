// Listening sockets, as the system calls make them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/server.h"

namespace kaimen::http {

inline constexpr int kBacklog = 4096;

/// A listening descriptor for each loop, all at one address. Owns what was not released.
struct Listening {
  std::vector<int> descriptors;
  std::string bound;                    ///< "127.0.0.1:43127", or the path
  std::pair<uint64_t, uint64_t> file;   ///< device and inode of a unix socket

  Listening() = default;
  Listening(Listening&& other) noexcept = default;
  Listening& operator=(Listening&&) = delete;
  ~Listening();
  std::vector<int> release() { return std::exchange(descriptors, {}); }
};

/// Error: unavailable, naming the address and the cause.
Result<Listening> listen_at(const Listener& listener, size_t loops);

/// Removes the socket file, unless another server has put its own there.
void remove_socket_file(const std::string& path, const std::pair<uint64_t, uint64_t>& file);

}  // namespace kaimen::http
