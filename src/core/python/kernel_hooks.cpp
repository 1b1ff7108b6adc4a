// Doors to single kernels, for tests/kernels: nothing else calls them.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "../kernels/kernels.h"
#include "../kernels/reduce.h"

namespace nb = nanobind;

namespace pb {

using HostArray = nb::ndarray<nb::device::cpu>;

// The last array receives the result; False if there is no such kernel.
static bool kernel(const char* name, int dtype, nb::list arrays, int64_t n, int single) {
    void* data[4] = {};
    const size_t count = nb::len(arrays);
    if (count < 2 || count > 4) throw nb::value_error("one to three operands and a result");
    for (size_t i = 0; i < count; ++i) data[i] = nb::cast<HostArray>(arrays[i]).data();
    return run_kernel(name, static_cast<DType>(dtype), single, data, data[count - 1], n);
}

static bool cast(int from, int to, HostArray in, HostArray out, int64_t n) {
    const BlockKernel run = kernels().cast[from][to];
    const void* operands[] = {in.data()};
    if (run) run(operands, out.data(), n);
    return run != nullptr;
}

static bool reduction(const char* name, int dtype, HostArray in, int64_t offset, int64_t byte_stride,
                      int64_t n, HostArray out) {
    return run_reduction(name, static_cast<DType>(dtype), static_cast<const char*>(in.data()) + offset,
                         byte_stride, n, out.data());
}

// Row `index` joins `out`; the first row starts from the identity. `best` is used by argmax and argmin only.
static bool accumulate(const char* name, int dtype, HostArray row, int64_t index, HostArray best,
                       HostArray out) {
    const Reduction r = reduction_named(name);
    if (r == Reduction::count) return false;
    const int64_t n = static_cast<int64_t>(row.size());
    const Reductions& table = reductions();
    if (r == Reduction::argmax || r == Reduction::argmin) {
        const auto run = table.accumulate_index[r == Reduction::argmin][dtype];
        if (run) run(row.data(), index, best.data(), static_cast<int64_t*>(out.data()), n);
        return run != nullptr;
    }
    const int k = static_cast<int>(r);
    if (!table.accumulate[k][dtype]) return false;
    const size_t size = item_size(reduction_dtype(r, static_cast<DType>(dtype)));
    for (int64_t i = 0; index == 0 && i < n; ++i)
        table.identity[k][dtype](static_cast<char*>(out.data()) + i * size);
    table.accumulate[k][dtype](row.data(), out.data(), n);
    return true;
}

void bind_kernel_hooks(nb::module_& m) {
    m.def("_kernel", &kernel);
    m.def("_kernel_cast", &cast);
    m.def("_kernel_reduction", &reduction);
    m.def("_kernel_accumulate", &accumulate);
    m.def("_kernels_isa", &kernels_isa);
}

}  // namespace pb
