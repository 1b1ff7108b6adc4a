#include "code/tables.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace pb::code {

namespace {

constexpr int64_t kValues = 65'536;

bool same(const Tabled& a, const Tabled& b) {
    return a.primitive == b.primitive && a.narrow == b.narrow && a.number_at == b.number_at &&
           !std::memcmp(&a.number, &b.number, sizeof a.number);
}

// What is kept when the process ends is the system's.
std::vector<std::shared_ptr<const Table>>& tables() {
    static auto* all = new std::vector<std::shared_ptr<const Table>>;
    return *all;
}

}  // namespace

const float* Table::results(bool rounded) const {
    std::unique_ptr<float[]>& there = results_[rounded];
    if (!there) {
        there.reset(new float[kValues]);
        fill(there.get(), rounded);
    }
    return there.get();
}

void Table::fill(float* results, bool rounded) const {
    constexpr auto wide = static_cast<size_t>(DType::Float32);
    constexpr int64_t kBlock = 1024;
    const auto narrow = static_cast<size_t>(function.narrow),
               primitive = static_cast<size_t>(function.primitive);
    const Kernels& k = kernels();
    uint16_t bits[kBlock];
    float numbers[kBlock];
    for (int64_t at = 0; at < kValues; at += kBlock) {
        for (int64_t i = 0; i < kBlock; ++i) bits[i] = static_cast<uint16_t>(at + i);
        float* out = results + at;
        const void *stored[] = {bits}, *in[] = {numbers, numbers}, *made[] = {out};
        if (function.number_at >= 0) in[function.number_at] = &function.number;
        k.cast[narrow][wide](stored, numbers, kBlock);
        k.elementwise[primitive][wide][function.number_at + 1](in, out, kBlock);
        if (!rounded) continue;
        k.cast[wide][narrow](made, bits, kBlock);
        k.cast[narrow][wide](stored, out, kBlock);
    }
}

std::shared_ptr<const Table> find_table(const Tabled& f, bool make) {
    std::vector<std::shared_ptr<const Table>>& all = tables();
    for (const auto& t : all)
        if (same(t->function, f)) return t;
    if (!make) return nullptr;
    if (all.size() == kMostTables) {  // one that nobody reads gives way
        auto unread = std::find_if(all.begin(), all.end(), [](const auto& t) { return t.use_count() == 1; });
        if (unread == all.end()) return nullptr;
        all.erase(unread);
    }
    return all.emplace_back(std::make_shared<const Table>(f));
}

void forget_tables() { tables().clear(); }

}  // namespace pb::code
