// Memory that is executed: pages that are written once, and are never writable and executable at the same time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pb::code {

class Pages {
  public:
    // Not there where the system refuses.
    explicit Pages(const std::vector<uint8_t>& bytes);
    ~Pages();
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    const void* start() const { return start_; }
    size_t size() const { return size_; }

    // As if the system refused, for tests.
    static bool refused;

  private:
    void* start_ = nullptr;
    size_t size_ = 0;
};

}  // namespace pb::code
