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

#include "array/visit.h"
#include "compute/line_loops.h"
#include "compute/lines.h"
#include "compute/panels.h"
#include "compute/products.h"
#include "kernels/cells.h"

namespace pb {

namespace {

constexpr double kCellWork = 2;  // nanoseconds for each hidden value of a row

template <class T> void map(Primitive p, const T* x, T* y, int64_t n) {
    const void* in = x;
    kernels().elementwise[static_cast<int>(p)][code_of<T>][0](&in, y, n);
}
template <class T> void in_place(Primitive p, T* x, int64_t n) { map(p, x, x, n); }

// Calls f(r, worker) for each row of a time.
template <class F> void for_each_row(Recurrent cell, int64_t rows, int64_t width, F&& f) {
    share_lines(rows, width, kCellWork / static_cast<double>(weight_parts(cell)),
                [&](int64_t first, int64_t count, int worker) {
                    for (int64_t r = first; r < first + count; ++r) f(r, worker);
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

// ---- cells, a row at a time: x is what the gates got, and becomes what they let through. No two operands overlap,
// which lets the compiler take several values at once ----

template <class T> void plain_cell(bool relu, T* __restrict x, int64_t n) {
    if (!relu) return in_place(Primitive::tanh, x, n);
    for (int64_t j = 0; j < n; ++j) x[j] = x[j] < 0 ? T(0) : x[j];
}

template <class T>
void lstm_cell(T* __restrict x, const T* __restrict before, T* __restrict c, T* __restrict h, int64_t n) {
    T *i = x, *f = x + n, *g = x + 2 * n, *o = x + 3 * n;
    in_place(Primitive::sigmoid, i, 2 * n);
    in_place(Primitive::tanh, g, n);
    in_place(Primitive::sigmoid, o, n);
    for (int64_t j = 0; j < n; ++j) c[j] = f[j] * before[j] + i[j] * g[j];
    map(Primitive::tanh, c, h, n);
    for (int64_t j = 0; j < n; ++j) h[j] = o[j] * h[j];
}

template <class T>
void gru_cell(const T* __restrict given, const T* __restrict hidden, const T* __restrict before,
              T* __restrict x, T* __restrict h, int64_t n) {
    T *r = x, *z = x + n, *m = x + 2 * n, *q = x + 3 * n;
    for (int64_t j = 0; j < 2 * n; ++j) r[j] = given[j] + hidden[j];
    in_place(Primitive::sigmoid, r, 2 * n);
    std::memcpy(q, hidden + 2 * n, static_cast<size_t>(n) * sizeof(T));
    for (int64_t j = 0; j < n; ++j) m[j] = given[2 * n + j] + r[j] * q[j];
    in_place(Primitive::tanh, m, n);
    for (int64_t j = 0; j < n; ++j) h[j] = (1 - z[j]) * m[j] + z[j] * before[j];
}

// ---- their pullbacks (the others are in kernels/cells.h): dh comes in, and what is left of it for the state before stays ----

template <class T>
void plain_pull(bool relu, const T* __restrict h, const T* __restrict dh, T* __restrict dx, int64_t n) {
    if (relu)
        for (int64_t j = 0; j < n; ++j) dx[j] = h[j] <= 0 ? T(0) : dh[j];
    else
        for (int64_t j = 0; j < n; ++j) dx[j] = dh[j] * (1 - h[j] * h[j]);
}

}  // namespace

Recurred recur(Recurrent cell, const Array& given, const Array& first_h, const Array& first_c,
               const Array& weight, const Array& bias) {
    const int64_t times = given.size(0), rows = given.size(1), n = weight.size(1), width = weight.size(0);
    const Panels packed(weight, true, times);
    const Array h0 = contiguous_array(first_h);
    const bool lstm = cell == Recurrent::lstm, gru = cell == Recurrent::gru;
    Recurred made;
    Array x, hidden, c0;
    if (gru) {
        x = contiguous_array(given);
        hidden = Array::empty(given.dtype, Dims{rows, width});
        made.gates = Array::empty(given.dtype, Dims{times, rows, 4 * n});
    } else {
        x = Array::empty(given.dtype, given.layout->dims());
        copy_array(given, x);
    }
    if (lstm) {
        made.gates = x;
        made.cells = Array::empty(given.dtype, Dims{times, rows, n});
        c0 = contiguous_array(first_c);
    }
    made.states = lstm || gru ? Array::empty(given.dtype, Dims{times, rows, n}) : x;
    const Array biases = gru && bias.buffer ? contiguous_array(bias) : Array();
    visit<Family::Floats>(given.dtype, "recurrent layer", [&](auto zero) {
        using T = decltype(zero);
        for (int64_t t = 0; t < times && rows; ++t) {
            const Array before = t ? at(made.states, t - 1) : h0;
            const Array to = gru ? hidden : at(x, t);
            packed.multiply_into(to, before, Scalar(gru ? 0 : 1));
            const int64_t row = t * rows;  // the first of this time
            T *p = to.as<T>(), *h = made.states.as<T>() + row * n;
            if (lstm) {
                T* c = made.cells.as<T>() + row * n;
                const T* c_before = t ? c - rows * n : c0.as<T>();
                for_each_row(cell, rows, width, [&](int64_t r, int) {
                    lstm_cell(p + r * width, c_before + r * n, c + r * n, h + r * n, n);
                });
            } else if (gru) {
                const T *own = x.as<T>() + row * width, *h_before = before.as<T>();
                T* gates = made.gates.as<T>() + row * 4 * n;
                for_each_row(cell, rows, width, [&](int64_t r, int) {
                    T* moved = p + r * width;
                    if (biases.buffer)
                        for (int64_t j = 0; j < width; ++j) moved[j] += biases.as<T>()[j];
                    gru_cell(own + r * width, moved, h_before + r * n, gates + r * 4 * n, h + r * n, n);
                });
            } else {
                for_each_row(cell, rows, width,
                             [&](int64_t r, int) { plain_cell(cell == Recurrent::relu, p + r * n, n); });
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
    if (lstm) {
        out.c = Array::empty(dtype, Dims{rows, n});
        std::memset(out.c.data(), 0, out.c.bytes());
    }
    const Array c0 = lstm ? contiguous_array(first_c) : Array();
    const Array gs = g_states.buffer ? contiguous_array(g_states) : Array();
    const Array gc = g_cells.buffer ? contiguous_array(g_cells) : Array();
    visit<Family::Floats>(dtype, "recurrent layer", [&](auto zero) {
        using T = decltype(zero);
        std::memset(out.h.data(), 0, out.h.bytes());
        Rooms<T> rooms(n);
        const auto lstm_pull = cell_kernels().lstm_pull[code_of<T>];
        const auto gru_pull = cell_kernels().gru_pull[code_of<T>];
        for (int64_t t = times; t-- && rows;) {
            // dh of a GRU holds what went past the cell.
            if (t + 1 < times) packed.multiply_into(out.h, at(moved, t + 1), Scalar(gru ? 1 : 0));
            const int64_t row = t * rows;  // the first of this time
            T *dh = out.h.as<T>(), *dx = out.given.as<T>() + row * width;
            auto add_given = [n](T* to, const Array& g, int64_t r) {
                if (!g.buffer) return;
                const T* from = g.as<T>() + r * n;
                for (int64_t j = 0; j < n; ++j) to[j] += from[j];
            };
            auto each_row = [&](auto&& pull) {
                for_each_row(cell, rows, width, [&](int64_t r, int worker) {
                    add_given(dh + r * n, gs, row + r);
                    pull(r, worker);
                });
            };
            if (lstm) {
                const T *gates = made.gates.as<T>() + row * width, *c = made.cells.as<T>() + row * n,
                        *c_before = t ? c - rows * n : c0.as<T>();
                T* dc = out.c.as<T>();
                each_row([&](int64_t r, int worker) {
                    add_given(dc + r * n, gc, row + r);
                    map(Primitive::tanh, c + r * n, rooms.of(worker), n);
                    lstm_pull(gates + r * width, c_before + r * n, rooms.of(worker), dh + r * n, dc + r * n,
                              dx + r * width, n);
                });
            } else if (gru) {
                const T *gates = made.gates.as<T>() + row * 4 * n,
                        *h_before = t ? made.states.as<T>() + (row - rows) * n : h0.as<T>();
                T* dq = moved.as<T>() + row * width;
                each_row([&](int64_t r, int) {
                    gru_pull(gates + r * 4 * n, h_before + r * n, dh + r * n, dx + r * width, dq + r * width,
                             n);
                });
            } else {
                const T* h = made.states.as<T>() + row * n;
                each_row([&](int64_t r, int) {
                    plain_pull(cell == Recurrent::relu, h + r * n, dh + r * n, dx + r * n, n);
                });
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
