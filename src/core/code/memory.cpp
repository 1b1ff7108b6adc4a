#include "code/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace pb::code {

bool Pages::refused = false;

Pages::Pages(const std::vector<uint8_t>& bytes) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t size = (bytes.size() + page - 1) / page * page;
    if (refused || !size) return;
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    std::memcpy(memory, bytes.data(), bytes.size());
    if (mprotect(memory, size, PROT_READ | PROT_EXEC) != 0) {
        munmap(memory, size);
        return;
    }
    start_ = memory;
    size_ = size;
}

Pages::~Pages() {
    if (start_) munmap(start_, size_);
}

}  // namespace pb::code
