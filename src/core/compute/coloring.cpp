// Colourings of sparse patterns.
//
// Columns of one colour are summed into one product with the matrix. A column colouring is a partial distance-2
// colouring of the bipartite graph of rows and columns; star and acyclic colourings use that a matrix is symmetric
// (Gebremedhin, Manne, Pothen 2005; Gebremedhin, Tarafdar, Manne, Pothen 2007). All are greedy: vertices one after
// the other, each gets the smallest colour that it may have.
//
// For star and acyclic colourings a vertex need not look at all vertices at distance two. For each vertex w and colour
// c, the edges from w to vertices of colour c belong to one two-coloured star (or tree), so one entry of a table stands
// for all of them. That keeps patterns with a dense row linear.
#include "compute/coloring.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <unordered_map>

#include "program/interrupt.h"

namespace pb::compute {

namespace {

size_t at(int64_t i) { return static_cast<size_t>(i); }

// Vertices by a number that changes by one at a time: a list for each number, of which one end is asked for.
class Buckets {
  public:
    explicit Buckets(const std::vector<int64_t>& degrees) : degree_(degrees), gone_(degrees.size()) {
        const int64_t n = static_cast<int64_t>(degrees.size());
        for (int64_t v = 0; v < n; ++v) put(v);
        low_ = 0;
        high_ = static_cast<int64_t>(buckets_.size()) - 1;
    }
    // Entries may be out of date: a vertex is in the list of every number that it had.
    int64_t take_smallest() {
        for (low_ = std::max<int64_t>(low_ - 1, 0);; ++low_)
            if (int64_t v = pop(low_); v >= 0) return v;
    }
    int64_t take_largest() {
        for (high_ = std::min<int64_t>(high_ + 1, static_cast<int64_t>(buckets_.size()) - 1);; --high_)
            if (int64_t v = pop(high_); v >= 0) return v;
    }
    bool is_gone(int64_t v) const { return gone_[at(v)]; }
    void change(int64_t v, int64_t by) {
        degree_[at(v)] += by;
        put(v);
    }

  private:
    void put(int64_t v) {
        const size_t d = at(degree_[at(v)]);
        if (d >= buckets_.size()) buckets_.resize(d + 1);
        buckets_[d].push_back(v);
    }
    int64_t pop(int64_t d) {
        auto& bucket = buckets_[at(d)];
        while (!bucket.empty()) {
            const int64_t v = bucket.back();
            bucket.pop_back();
            if (gone_[at(v)] || degree_[at(v)] != d) continue;
            gone_[at(v)] = true;
            return v;
        }
        return -1;
    }
    std::vector<int64_t> degree_;
    std::vector<bool> gone_;
    std::vector<std::vector<int64_t>> buckets_;
    int64_t low_ = 0, high_ = 0;
};

// An order of n vertices; `neighbours(v, f)` calls f with each neighbour of v, once.
template <class Neighbours>
std::vector<int64_t> order_of(int64_t n, Ordering ordering, const Neighbours& neighbours) {
    std::vector<int64_t> order(at(n));
    std::iota(order.begin(), order.end(), 0);
    if (ordering == Ordering::natural) return order;
    std::vector<int64_t> degree(at(n), 0);
    if (ordering != Ordering::incidence_degree)
        for (int64_t v = 0; v < n; ++v) neighbours(v, [&](int64_t) { ++degree[at(v)]; });
    if (ordering == Ordering::largest_first) {
        std::stable_sort(order.begin(), order.end(),
                         [&](int64_t a, int64_t b) { return degree[at(a)] > degree[at(b)]; });
        return order;
    }
    // Smallest last: from the end, each the one with the fewest neighbours among those that are left. Incidence degree:
    // from the start, each the one with the most neighbours among those that were taken.
    const bool last = ordering == Ordering::smallest_last;
    Buckets left(degree);
    for (int64_t k = 0; k < n; ++k) {
        const int64_t v = last ? left.take_smallest() : left.take_largest();
        order[at(last ? n - 1 - k : k)] = v;
        neighbours(v, [&](int64_t w) {
            if (!left.is_gone(w)) left.change(w, last ? -1 : 1);
        });
    }
    return order;
}

std::vector<int64_t> order_of_graph(const Pattern& graph, Ordering ordering) {
    return order_of(graph.rows(), ordering, [&](int64_t v, auto f) {
        for (int64_t w : graph.row(v))
            if (w != v) f(w);
    });
}

// The smallest colour that nobody has forbidden to v.
class Palette {
  public:
    void forbid(int64_t color, int64_t v) {
        if (at(color) >= by_.size()) by_.resize(at(color) + 1, -1);
        by_[at(color)] = v;
    }
    bool is_forbidden(int64_t color, int64_t v) const {
        return at(color) < by_.size() && by_[at(color)] == v;
    }
    int64_t smallest(int64_t v) const {
        int64_t c = 0;
        while (is_forbidden(c, v)) ++c;
        return c;
    }

  private:
    std::vector<int64_t> by_;
};

// A vertex and a colour.
uint64_t key(int64_t w, int64_t c) { return static_cast<uint64_t>(w) << 24 | static_cast<uint64_t>(c); }
constexpr int64_t kMostColors = int64_t{1} << 24;

// Asks now and then whether somebody wants it to end.
class Patience {
  public:
    void step() {
        if ((++steps_ & 0xffff) == 0 && scope_.interrupted()) throw Interrupted();
    }

  private:
    Interruptible scope_{kNoticed};
    uint64_t steps_ = 0;
};

class Sets {  // disjoint sets of edges
  public:
    int64_t make() {
        parent_.push_back(static_cast<int64_t>(parent_.size()));
        return parent_.back();
    }
    int64_t find(int64_t e) {
        while (parent_[at(e)] != e) e = parent_[at(e)] = parent_[at(parent_[at(e)])];
        return e;
    }
    void join(int64_t a, int64_t b) { parent_[at(find(a))] = find(b); }

  private:
    std::vector<int64_t> parent_;
};

// What star and acyclic colourings remember of the coloured neighbours of each vertex.
struct Neighbourhood {
    std::unordered_map<uint64_t, int64_t>
        of;  // (w, c): what stands for the edges from w to vertices of colour c
    std::vector<std::vector<int64_t>> colors;  // of w's neighbours, each once
    explicit Neighbourhood(int64_t n) : colors(at(n)) {}
};

std::vector<int64_t> star(const Pattern& graph, Ordering ordering) {
    const int64_t n = graph.rows();
    const std::vector<int64_t> order = order_of_graph(graph, ordering);
    Patience patience;
    Palette palette;
    // A star is named by its number; its hub is -1 as long as it is a single edge, whose ends are kept instead.
    struct Star {
        int64_t hub, a, b;
    };
    std::vector<Star> stars;
    Neighbourhood seen(n);
    std::vector<std::vector<int64_t>> hubs(at(n));  // of the stars in which a vertex is on the rim
    std::vector<int64_t> color(at(n), -1), treated(at(n), -1);
    std::unordered_map<int64_t, int64_t> first;  // v's neighbour of a colour
    for (int64_t v : order) {
        first.clear();
        auto treat = [&](int64_t w) {  // v must not have the colour of a neighbour of w
            if (treated[at(w)] == v) return;
            treated[at(w)] = v;
            for (int64_t c : seen.colors[at(w)]) palette.forbid(c, v);
        };
        for (int64_t w : graph.row(v)) {
            patience.step();
            if (w == v || color[at(w)] < 0) continue;
            const int64_t c = color[at(w)];
            palette.forbid(c, v);
            if (auto [it, is_new] = first.try_emplace(c, w); !is_new) {
                treat(it->second);
                treat(w);
            }
            for (int64_t hub : hubs[at(w)]) palette.forbid(color[at(hub)], v);
        }
        const int64_t mine = palette.smallest(v);
        if (mine >= kMostColors) throw std::length_error("too many colours");
        color[at(v)] = mine;
        for (int64_t w : graph.row(v)) {
            if (w == v || color[at(w)] < 0) continue;
            const int64_t c = color[at(w)];
            auto [around_w, is_first_of_w] = seen.of.try_emplace(key(w, mine), -1);
            if (is_first_of_w) seen.colors[at(w)].push_back(mine);
            auto [around_v, is_first_of_v] = seen.of.try_emplace(key(v, c), -1);
            if (is_first_of_v) seen.colors[at(v)].push_back(c);
            if (!is_first_of_w) {  // w has another neighbour of v's colour: w is the hub
                Star& s = stars[at(around_w->second)];
                if (s.hub < 0) {
                    s.hub = w;
                    hubs[at(s.a == w ? s.b : s.a)].push_back(w);
                }
                hubs[at(v)].push_back(w);
                around_v->second = around_w->second;
            } else if (!is_first_of_v) {  // v has another neighbour of w's colour: v is the hub
                Star& s = stars[at(around_v->second)];
                if (s.hub < 0) {
                    s.hub = v;
                    hubs[at(s.a == v ? s.b : s.a)].push_back(v);
                }
                hubs[at(w)].push_back(v);
                around_w->second = around_v->second;
            } else {
                around_w->second = around_v->second = static_cast<int64_t>(stars.size());
                stars.push_back({-1, v, w});
            }
        }
    }
    return color;
}

std::vector<int64_t> acyclic(const Pattern& graph, Ordering ordering) {
    const int64_t n = graph.rows();
    const std::vector<int64_t> order = order_of_graph(graph, ordering);
    Patience patience;
    Palette palette;
    Sets trees;
    Neighbourhood seen(n);
    std::vector<int64_t> color(at(n), -1);
    std::unordered_map<int64_t, int64_t> visited;  // trees that v met, and by which neighbour
    for (int64_t v : order) {
        visited.clear();
        for (int64_t w : graph.row(v))
            if (w != v && color[at(w)] >= 0) palette.forbid(color[at(w)], v);
        for (int64_t w : graph.row(v)) {
            if (w == v || color[at(w)] < 0) continue;
            for (int64_t c : seen.colors[at(w)]) {
                patience.step();
                if (palette.is_forbidden(c, v)) continue;
                // The tree of w and its neighbours of colour c: with that colour v must not meet it a second time.
                const int64_t tree = trees.find(seen.of[key(w, c)]);
                if (auto [it, is_new] = visited.try_emplace(tree, w); !is_new && it->second != w)
                    palette.forbid(c, v);
            }
        }
        const int64_t mine = palette.smallest(v);
        if (mine >= kMostColors) throw std::length_error("too many colours");
        color[at(v)] = mine;
        for (int64_t w : graph.row(v)) {
            if (w == v || color[at(w)] < 0) continue;
            const int64_t edge = trees.make(), c = color[at(w)];
            if (auto [it, is_new] = seen.of.try_emplace(key(w, mine), edge); !is_new)
                trees.join(edge, it->second);
            else seen.colors[at(w)].push_back(mine);
            if (auto [it, is_new] = seen.of.try_emplace(key(v, c), edge); !is_new)
                trees.join(edge, it->second);
            else seen.colors[at(v)].push_back(c);
        }
    }
    return color;
}

std::vector<int64_t> columns(const Pattern& by_rows, const Pattern& by_columns, Ordering ordering) {
    const int64_t n = by_columns.rows();
    Patience patience;
    std::vector<int64_t> met(at(n), -1);
    int64_t walk = 0;  // a number for each visit, which tells what it has met
    const auto order = order_of(n, ordering, [&](int64_t v, auto f) {
        const int64_t now = walk++;
        met[at(v)] = now;
        for (int64_t i : by_columns.row(v))
            for (int64_t w : by_rows.row(i)) {
                patience.step();
                if (met[at(w)] == now) continue;
                met[at(w)] = now;
                f(w);
            }
    });
    Palette palette;
    std::vector<int64_t> color(at(n), -1);
    for (int64_t v : order) {
        for (int64_t i : by_columns.row(v))
            for (int64_t w : by_rows.row(i)) {
                patience.step();
                if (color[at(w)] >= 0) palette.forbid(color[at(w)], v);
            }
        color[at(v)] = palette.smallest(v);
    }
    return color;
}

template <class F> std::vector<int64_t> finished(F attempt) {
    std::vector<int64_t> result;
    with_interrupts([&] { result = attempt(); });
    return result;
}

}  // namespace

std::vector<int64_t> color_columns(const Pattern& by_rows, const Pattern& by_columns, Ordering ordering) {
    return finished([&] { return columns(by_rows, by_columns, ordering); });
}
std::vector<int64_t> color_star(const Pattern& graph, Ordering ordering) {
    return finished([&] { return star(graph, ordering); });
}
std::vector<int64_t> color_acyclic(const Pattern& graph, Ordering ordering) {
    return finished([&] { return acyclic(graph, ordering); });
}

// Leaves of the two-coloured trees first: an edge is ready when one of its ends has no other edge left to that colour.
std::vector<int64_t> elimination(const Pattern& graph, Numbers colors) {
    struct Left {
        int64_t edges = 0,
                others = 0;  // how many are left, and the exclusive or of the vertices they lead to
    };
    std::unordered_map<uint64_t, Left> left;
    for (int64_t i = 0; i < graph.rows(); ++i)
        for (int64_t j : graph.row(i))
            if (i != j) {
                Left& l = left[key(i, colors[at(j)])];
                ++l.edges;
                l.others ^= j;
            }
    std::vector<std::pair<int64_t, int64_t>>
        ready;  // a vertex and a colour of which it has one neighbour left
    for (int64_t i = 0; i < graph.rows(); ++i)
        for (int64_t j : graph.row(i))
            if (i != j && left[key(i, colors[at(j)])].edges == 1) ready.emplace_back(i, colors[at(j)]);
    std::vector<int64_t> pairs;
    while (!ready.empty()) {
        const auto [i, c] = ready.back();
        ready.pop_back();
        Left& mine = left[key(i, c)];
        if (mine.edges != 1) continue;
        const int64_t j = mine.others;
        pairs.push_back(i);
        pairs.push_back(j);
        mine.edges = 0;
        Left& theirs = left[key(j, colors[at(i)])];
        theirs.others ^= i;
        if (--theirs.edges == 1) ready.emplace_back(j, colors[at(i)]);
    }
    return pairs;
}

void substitute(Numbers pairs, Numbers colors, double* rest, int64_t count, double* values) {
    for (size_t k = 0; k + 1 < pairs.size(); k += 2) {
        const int64_t i = pairs[k], j = pairs[k + 1];
        const double value = rest[i * count + colors[at(j)]];
        rest[j * count + colors[at(i)]] -= value;
        values[k / 2] = value;
    }
}

}  // namespace pb::compute
