#include "tensor/write_site.h"

namespace pb {

void free_write_site(WriteSite* s) {
    sites.forget(s->line);
    delete s;
}

void note_write(const Tensor& t, const char* operation) {
    Cell& cell = *t->cell;
    cell.written();
    if (!modes.grad) return;  // optimisers write under no_grad in every step; nobody asks for those lines
    if (!cell.last_write) cell.last_write = new WriteSite;
    WriteSite& site = *cell.last_write;
    site.operation = operation;
    sites.forget(site.line);
    site.line = sites.here();
}

std::string describe_write(const Cell& cell) {
    if (!cell.last_write) return "";
    const WriteSite& s = *cell.last_write;
    std::string text = s.operation ? std::string("by ") + s.operation : "", line = sites.describe(s.line);
    if (!line.empty()) text += (text.empty() ? "at " : " at ") + line;
    return text;
}

}  // namespace pb
