// Recurrent layers as arrays: one layer in one direction over all times, and its pullback from values alone.
// recurrence.cpp has the essay.
#pragma once
#include "array/array.h"

namespace pb {

enum class Recurrent : uint8_t { tanh, relu, lstm, gru };

// How many parts the weight of a cell has.
constexpr int64_t weight_parts(Recurrent cell) {
    return cell == Recurrent::lstm ? 4 : cell == Recurrent::gru ? 3 : 1;
}

// T times, N samples, H hidden values, P parts. `given` (T, N, P H) is what inputs contribute, h and c (N, H) the first
// state, the weight (P H, H). The bias (P H) is added to what states contribute.
struct Recurred {
    Array states;  // (T, N, H)
    Array cells;   // (T, N, H) of an LSTM
    Array gates;   // (T, N, 4 H): an LSTM's i f g o; a GRU's r z n, and the hidden part of n
};
Recurred recur(Recurrent cell, const Array& given, const Array& h, const Array& c, const Array& weight,
               const Array& bias);

// Cotangents of the operands from those of states and cells, of which either may be an array without a buffer: zero.
struct RecurrencePull {
    Array given, h, c, weight;
    Array hidden;  // (T, N, P H): of the hidden part of every time
};
RecurrencePull recur_pull(Recurrent cell, const Recurred& made, const Array& h, const Array& c,
                          const Array& weight, const Array& g_states, const Array& g_cells,
                          bool wants_weight);

}  // namespace pb
