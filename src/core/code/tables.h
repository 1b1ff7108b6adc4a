// Tables: functions of one narrow float, looked up.
//
// A narrow float has 65,536 values, so a function of one is as many results, 256 KB of float32. They are computed by the
// kernel that the table stands for, so that each is the kernel's to the bit, and to fetch one costs as much as a dozen additions,
// whatever the function. Mostly what reads a result rounds it to the narrow type at once; so there are two tables of a function,
// of results as they are and of rounded ones. Each is filled when code is emitted that reads it, which takes as long as some
// 10^5 elements do, and is kept as long as such code. At most kMostTables functions have some; those that come later are
// computed.
#pragma once
#include <memory>

#include "core/kernels/kernels.h"

namespace pb::code {

constexpr size_t kMostTables = 32;
constexpr int64_t kWorthATable = 100'000;  // elements

// A primitive of float32, one of whose operands is narrow; the other, if there is one, a number.
struct Tabled {
    Primitive primitive;
    DType narrow;
    int8_t number_at = -1;  // which operand is the number
    float number = 0;
    int operand() const { return number_at == 0; }
};

class Table {
  public:
    explicit Table(const Tabled& function) : function(function) {}
    const Tabled function;
    // By the bits of the operand.
    const float* results(bool rounded) const;

  private:
    void fill(float* results, bool rounded) const;
    mutable std::unique_ptr<float[]> results_[2];
};

// Null if there is none, and none is to be made or can be. Programs are put together one at a time.
std::shared_ptr<const Table> find_table(const Tabled& function, bool make);
void forget_tables();

}  // namespace pb::code
