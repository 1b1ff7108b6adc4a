#include "program/sums.h"

#include <algorithm>

#include "kernels/kernels.h"
#include "kernels/moves.h"
#include "program/threads.h"

namespace pb {

namespace {

constexpr int64_t kChunk = 1 << 14,
                  kInCache = 1 << 12;       // elements of the whole, for a thread and for all runs
constexpr double kRow = 0.6, kByte = 0.02;  // nanoseconds of a part of a row, and of each byte of it

}  // namespace

bool adds_runs(DType dtype) { return adding_rows(dtype); }

void add_runs(const Array& whole, bool begins, int64_t width, const std::vector<RowRun>& runs) {
    const auto item = static_cast<int64_t>(whole.item());
    const int64_t rows = whole.numel() / width, block = std::max<int64_t>(kInCache / width, 1),
                  chunk = std::max<int64_t>(kChunk / width / block, 1) * block;
    const AddRows add = adding_rows(whole.dtype);
    char* const base = whole.data();
    const Slot zero{};
    auto add_to = [&](int64_t first, int64_t count) {
        char* to = base + first * width * item;
        if (begins) kernels().fill[size_index(whole.dtype)](&zero, to, count * width);
        for (const RowRun& r : runs)
            add(r.values + first * r.length * item, to + r.at * item, {r.length, 1, count, width});
    };
    const double row = kByte * static_cast<double>(width * item) + kRow * static_cast<double>(runs.size());
    parallel((rows + chunk - 1) / chunk, row * static_cast<double>(rows), [&](int64_t c, int) {
        for (int64_t at = c * chunk, past = std::min(at + chunk, rows); at < past; at += block)
            add_to(at, std::min(block, past - at));
    });
}

}  // namespace pb
