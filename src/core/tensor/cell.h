// Cell: what tensors that alias share: one value and a version counter.
//
// The cell exists from birth, so that a value which is still pending already has a version and aliases. Views
// and `detach` share the cell; `data` makes a new one over the same buffer, whose writes the tape does not see.
// Saved values remember (cell, version): a write in between is an error at the moment the value is needed.
// `last_write` names the operation and the line that wrote last, for that error.
#pragma once
#include <cstdint>

#include "array/buffer.h"
#include "array/pool.h"
#include "tensor/modes.h"

namespace pb {

struct WriteSite;  // where an in-place write happened (tensor/write_site.h)
void free_write_site(WriteSite*);

class Cell {
  public:
    static Ref<Cell> make(Ref<Buffer> buffer) {
        void* p = pool_alloc(sizeof(Cell));
        return Ref<Cell>::steal(new (p) Cell(std::move(buffer)));
    }
    void retain() { ++refs_; }
    void release() {
        if (--refs_ == 0) {
            this->~Cell();
            pool_free(this, sizeof(Cell));
        }
    }
    bool is_unique() const { return refs_ == 1; }
    uint32_t holders() const { return refs_; }
    void written() { ++version; }

    Ref<Buffer> buffer;
    WriteSite* last_write = nullptr;
    uint64_t born = modes.scope;  // inside of which transform: one further inside has captured it
    uint32_t version = 0;

  private:
    explicit Cell(Ref<Buffer> b) : buffer(std::move(b)) {}
    ~Cell() {
        if (last_write) free_write_site(last_write);
    }
    uint32_t refs_ = 1;
};

}  // namespace pb
