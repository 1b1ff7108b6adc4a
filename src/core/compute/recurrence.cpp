// Recurrent layers: what steps through time, in one loop.
//
// A step is a few rows times a matrix that stays the same, which is why the weights are packed once, into the way in which
// they are read (panels.h). Cells are made row by row behind each product, while it is in the cache. Backwards only what comes to the states goes step by step; the
// gradient of the weights is one product over all times.
//
// Sources: J. L. Elman, "Finding structure in time", 1990; S. Hochreiter, J. Schmidhuber, "Long short-term memory",
// 1997, with the forget gate of F. A. Gers et al., 2000; K. Cho et al., "Learning phrase representations using RNN
// encoder-decoder", 2014.
#include "compute/recurrence.h"

#include <cstring>
#include <vector>

#include "array/visit.h"
#include "compute/line_loops.h"
#include "compute/lines.h"
#include "compute/panels.h"
#include "compute/products.h"
#include "kernels/cells.h"

namespace pb {

namespace {

constexpr double kCellWork = 2;  // nanoseconds for each hidden value of a row

// Calls f(r) for each row of a time.
template <class F> void for_each_row(Recurrent cell, int64_t rows, int64_t width, F&& f) {
    share_lines(rows, width, kCellWork / static_cast<double>(weight_parts(cell)),
                [&](int64_t first, int64_t count, int) {
                    for (int64_t r = first; r < first + count; ++r) f(r);
                });
}

// Entry t of the first dimension.
Array at(const Array& a, int64_t t) {
    Dims shape(a.layout->shape() + 1, a.layout->shape() + a.ndim());
    return a.view(Layout::contiguous(shape), a.offset + t * a.stride(0));
}
// Entries from `first` on, all their rows one under the other.
Array rows_of(const Array& a, int64_t first, int64_t count) {
    return a.view(Layout::contiguous(Dims{count * a.size(1), a.size(2)}), a.offset + first * a.stride(0));
}

// A contiguous array, or in its place one row of zeros for all.
template <class T> class Rows {
  public:
    Rows(const Array& given, const std::vector<T>& zeros)
        : array_(given.buffer ? contiguous_array(given) : Array()),
          first_(given.buffer ? array_.as<T>() : zeros.data()),
          step_(given.buffer ? array_.size(array_.ndim() - 1) : 0) {}
    const T* at(int64_t row) const { return first_ + row * step_; }

  private:
    Array array_;
    const T* first_;
    int64_t step_;
};

}  // namespace

Recurred recur(Recurrent cell, const Array& given, const Array& first_h, const Array& first_c,
               const Array& weight, const Array& bias) {
    const int64_t times = given.size(0), rows = given.size(1), n = weight.size(1), width = weight.size(0);
    const Panels packed(weight, true, times);
    const Array own = contiguous_array(given), h0 = contiguous_array(first_h);
    const bool lstm = cell == Recurrent::lstm, gru = cell == Recurrent::gru;
    Recurred made;
    // What the states contribute is made where the gates will be; of a GRU it is kept beside them.
    Array hidden, c0;
    made.states = Array::empty(given.dtype, Dims{times, rows, n});
    if (lstm || gru) made.gates = Array::empty(given.dtype, Dims{times, rows, 4 * n});
    if (gru) hidden = Array::empty(given.dtype, Dims{rows, width});
    if (lstm) {
        made.cells = Array::empty(given.dtype, Dims{times, rows, n});
        c0 = contiguous_array(first_c);
    }
    visit<Family::Floats>(given.dtype, "recurrent layer", [&](auto zero) {
        using T = decltype(zero);
        constexpr int d = code_of<T>;
        const CellKernels& kernels = cell_kernels();
        const std::vector<T> zeros(static_cast<size_t>(width));
        const Rows<T> biases(bias, zeros);
        for (int64_t t = 0; t < times && rows; ++t) {
            const Array before = t ? at(made.states, t - 1) : h0;
            const Array to = gru ? hidden : at(lstm ? made.gates : made.states, t);
            packed.multiply_into(to, before, Scalar(0));
            const int64_t row = t * rows;  // the first of this time
            T *p = to.as<T>(), *h = made.states.as<T>() + row * n;
            const T* x = own.as<T>() + row * width;
            if (lstm) {
                T* c = made.cells.as<T>() + row * n;
                const T* c_before = t ? c - rows * n : c0.as<T>();
                for_each_row(cell, rows, width, [&](int64_t r) {
                    kernels.lstm[d](x + r * width, biases.at(0), c_before + r * n, p + r * width, c + r * n,
                                    h + r * n, n);
                });
            } else if (gru) {
                const T* h_before = before.as<T>();
                T* gates = made.gates.as<T>() + row * 4 * n;
                for_each_row(cell, rows, width, [&](int64_t r) {
                    kernels.gru[d](x + r * width, biases.at(0), p + r * width, h_before + r * n,
                                   gates + r * 4 * n, h + r * n, n);
                });
            } else {
                const auto plain = (cell == Recurrent::relu ? kernels.relu : kernels.tanh)[d];
                for_each_row(cell, rows, width,
                             [&](int64_t r) { plain(x + r * n, biases.at(0), p + r * n, n); });
            }
        }
    });
    return made;
}

RecurrencePull recur_pull(Recurrent cell, const Recurred& made, const Array& first_h, const Array& first_c,
                          const Array& weight, const Array& g_states, const Array& g_cells,
                          bool wants_weight) {
    const Array h0 = contiguous_array(first_h);
    const int64_t times = made.states.size(0), rows = made.states.size(1), n = weight.size(1),
                  width = weight.size(0);
    const bool lstm = cell == Recurrent::lstm, gru = cell == Recurrent::gru;
    const DType dtype = weight.dtype;
    const Panels packed(weight, false, times);
    RecurrencePull out;
    out.given = Array::empty(dtype, Dims{times, rows, width});
    // What comes to the hidden part of each time: to a GRU's through r, to others as to what was given.
    const Array moved = gru ? Array::empty(dtype, out.given.layout->dims()) : out.given;
    out.hidden = moved;
    out.h = Array::empty(dtype, Dims{rows, n});
    std::memset(out.h.data(), 0, out.h.bytes());
    if (lstm) {
        out.c = Array::empty(dtype, Dims{rows, n});
        std::memset(out.c.data(), 0, out.c.bytes());
    }
    const Array c0 = lstm ? contiguous_array(first_c) : Array();
    visit<Family::Floats>(dtype, "recurrent layer", [&](auto zero) {
        using T = decltype(zero);
        constexpr int d = code_of<T>;
        const CellKernels& kernels = cell_kernels();
        const std::vector<T> zeros(static_cast<size_t>(n));
        const Rows<T> gs(g_states, zeros), gc(g_cells, zeros);
        for (int64_t t = times; t-- && rows;) {
            // dh of a GRU holds what went past the cell.
            if (t + 1 < times) packed.multiply_into(out.h, at(moved, t + 1), Scalar(gru ? 1 : 0));
            const int64_t row = t * rows;  // the first of this time
            T *dh = out.h.as<T>(), *dx = out.given.as<T>() + row * width;
            if (lstm) {
                const T *gates = made.gates.as<T>() + row * width, *c = made.cells.as<T>() + row * n,
                        *c_before = t ? c - rows * n : c0.as<T>();
                T* dc = out.c.as<T>();
                for_each_row(cell, rows, width, [&](int64_t r) {
                    kernels.lstm_pull[d](gates + r * width, c_before + r * n, c + r * n, dh + r * n,
                                         gs.at(row + r), dc + r * n, gc.at(row + r), dx + r * width, n);
                });
            } else if (gru) {
                const T *gates = made.gates.as<T>() + row * 4 * n,
                        *h_before = t ? made.states.as<T>() + (row - rows) * n : h0.as<T>();
                T* dq = moved.as<T>() + row * width;
                for_each_row(cell, rows, width, [&](int64_t r) {
                    kernels.gru_pull[d](gates + r * 4 * n, h_before + r * n, dh + r * n, gs.at(row + r),
                                        dx + r * width, dq + r * width, n);
                });
            } else {
                const T* h = made.states.as<T>() + row * n;
                const auto plain = (cell == Recurrent::relu ? kernels.relu_pull : kernels.tanh_pull)[d];
                for_each_row(cell, rows, width,
                             [&](int64_t r) { plain(h + r * n, dh + r * n, gs.at(row + r), dx + r * n, n); });
            }
        }
    });
    if (times && rows) packed.multiply_into(out.h, at(moved, 0), Scalar(gru ? 1 : 0));
    if (wants_weight) {
        out.weight = Array::empty(dtype, Dims{width, n});
        if (times && rows) product_into(out.weight, at(moved, 0), h0, true, false, Scalar(1), Scalar(0));
        else std::memset(out.weight.data(), 0, out.weight.bytes());
        if (times > 1)
            product_into(out.weight, rows_of(moved, 1, times - 1), rows_of(made.states, 0, times - 1), true,
                         false, Scalar(1), Scalar(1));
    }
    return out;
}

}  // namespace pb
