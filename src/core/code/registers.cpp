#include "code/registers.h"

namespace pb::code {

// What nothing that is written depends on is not wanted.
Uses::Uses(const Sequence& s) {
    const size_t n = s.operations.size();
    wanted_.assign(n, 0);
    first_.assign(n + 1, 0);
    for (size_t i = n; i-- > 0;) {
        const Operation& x = s.operations[i];
        if (is_store(x.op)) wanted_[i] = 1;
        if (!wanted_[i]) continue;
        for (int16_t v : x.in)
            if (v >= 0) wanted_[static_cast<size_t>(v)] = 1, ++first_[static_cast<size_t>(v) + 1];
    }
    for (size_t v = 0; v < n; ++v) first_[v + 1] += first_[v];
    now_.assign(first_.begin(), first_.end() - 1);
    all_.resize(static_cast<size_t>(first_[n]));
    for (size_t i = 0; i < n; ++i) {
        if (!wanted_[i]) continue;
        for (int16_t v : s.operations[i].in)
            if (v >= 0) all_[static_cast<size_t>(now_[static_cast<size_t>(v)]++)] = static_cast<int32_t>(i);
    }
    now_.assign(first_.begin(), first_.end() - 1);
}

}  // namespace pb::code
