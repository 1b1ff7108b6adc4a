// Mapped tensors: what the code inside of a vmap computes with.
//
// A mapped tensor is a tensor whose layout has axes that nobody sees: one for each vmap that it varies over, named by the
// level of that vmap. Shape, dimensions and strides are those of one entry; memory, cell and version are those of all. So
// a view of a mapped tensor is an ordinary view that carries the axes along, a write is an ordinary write, and the tape,
// tangents, hooks and saved values know nothing of it: batching lies below differentiation. Only who asks for elements has
// to see all entries: `reveal` gives a plain tensor whose first dimensions are the axes, and `hide` takes them away again.
//
// A level is open in the thread that is inside of its vmap. Levels are numbered for ever, so that those inside come after
// those around them, and a tensor that escapes from its vmap is known by its level.
#pragma once
#include <string>

#include "tensor/tensor.h"

namespace pb {

// What an error says of a tensor whose vmap is over.
std::string escaped(const Layout& l);

// ---- axes ----

// The axes of several layouts together, by level.
void join_axes(MappedAxes& all, const MappedAxes& more);
void join_axes(MappedAxes& all, const Layout& l);
MappedAxes axes_of(const Tensors& ts);
bool has_axis(const MappedAxes& axes, uint64_t level);
// Those axes of `all` that `l` lacks.
MappedAxes axes_beyond(const MappedAxes& all, const Layout& l);
inline bool any_mapped(const Tensors& ts) {
    uint8_t seen = 0;
    for (const Tensor& t : ts)
        if (t) seen |= t->exceptional;
    return seen & kMapped;
}

// ---- all entries ----

// Plain and without history: the axes `all` in front (stride 0 where `t` lacks one, or size 1 for `ones`), then ones up to
// `rank` dimensions.
Tensor reveal(const Tensor& t, const MappedAxes& all, int64_t rank = 0, bool ones = false);
Array reveal_value(const Tensor& t, const MappedAxes& all, int64_t rank = 0, bool ones = false);
// The first dimensions of `t` become axes; changes `t`, which nobody else may hold.
Tensor hide(Tensor t, const MappedAxes& all);
// Gives `t`, or any tensor over the same memory, another geometry.
void set_layout(const Tensor& t, Ref<Layout> layout);
// `geometry` with the axes of `all` that it lacks around all that it reaches, the innermost last.
Ref<Layout> around(const Layout& geometry, const MappedAxes& all);
// `part` of a `whole` that lies as `geometry` says, but for further axes, which stand around it: the part has them too.
Ref<Layout> with_surroundings(const Layout& part, const Layout& geometry, const Layout& whole);

// One entry after the other of what `reveal` gave.
struct Entries {
    explicit Entries(const MappedAxes& all);
    Tensors of(const Tensors& shown) const;
    void next() {
        for (size_t d = index.size(); d-- > 0;) {
            if (++index[d] < axes[d].size) return;
            index[d] = 0;
        }
    }
    const MappedAxes& axes;
    Dims index;
    int64_t count = 1;
};

// ---- open levels ----

enum class Randomness : uint8_t { Error, Different, Same };

struct OpenMap {
    uint64_t level;
    int64_t size;
    Randomness randomness;
};

uint64_t
next_level();  // a number for a transform that is opened: vmaps and derivatives (captured.h) count together
uint64_t open_map(int64_t size, Randomness randomness);  // a new level, inside of those that are open
void reopen_map(const OpenMap& map);                     // one that was closed for a while
void close_map(uint64_t level);
// To be called by whoever draws random numbers inside of a vmap: raises PyTorch's error, or that of the doors, so that the
// operator is run as the innermost vmap wants it.
[[noreturn, gnu::cold]] void refuse_draw();
bool is_open_map(uint64_t level);
const Small<OpenMap, 4>& open_maps();  // of this thread, the outermost first

}  // namespace pb
