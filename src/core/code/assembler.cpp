#include "code/assembler.h"

namespace pb::code {

namespace {
constexpr const char* kGeneral[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
int bit(int number, int at) { return number >> at & 1; }
}  // namespace

void Assembler::word(int32_t w) {
    for (int k = 0; k < 32; k += 8) byte(w >> k & 255);
}
void Assembler::put_word(size_t at, int32_t w) {
    for (size_t k = 0; k < 4; ++k) bytes_[at + k] = static_cast<uint8_t>(w >> (8 * k) & 255);
}

void Assembler::line(std::string instruction) {
    ++count_;
    if (!listing_) return;
    text_ += "    " + instruction;
    if (!remark_.empty()) {
        if (instruction.size() < 48) text_.append(48 - instruction.size(), ' ');
        text_ += "  ; " + remark_;
        remark_.clear();
    }
    text_ += '\n';
}

std::string Assembler::register_name(int r, const Options& o, char form) const {
    if (form == 'k') return "k" + std::to_string(r);
    const int bytes = o.bytes ? o.bytes : wide_ ? 64 : 32;
    return (bytes == 64 ? "zmm" : bytes == 32 ? "ymm" : "xmm") + std::to_string(r);
}
std::string Assembler::memory_name(const Memory& m) const {
    return "[" + m.name + "]" + (m.repeated ? "{all}" : "");
}

// The bits that extend the numbers of registers are stored inverted.
void Assembler::prefix(const Encoding& e, int d, int a, bool b, bool x, const Options& o, bool repeated) {
    const int length = o.bytes == 16 ? 0 : o.bytes == 32 || !wide_ ? 1 : 2;
    if (wide_) {
        byte(0x62);
        byte(!bit(d, 3) << 7 | !x << 6 | !b << 5 | !bit(d, 4) << 4 | e.map);
        byte(e.w << 7 | (~a & 15) << 3 | 4 | e.prefix);
        byte(length << 5 | repeated << 4 | !bit(a, 4) << 3 | o.mask);
    } else {
        byte(0xC4);
        byte(!bit(d, 3) << 7 | !x << 6 | !b << 5 | e.map);
        byte(e.w << 7 | (~a & 15) << 3 | length << 2 | e.prefix);
    }
    byte(e.opcode);
}

void Assembler::vector_line(const Encoding& e, int d, int a, const std::string& b, const Options& o) {
    if (!listing_) return line({});
    std::string text = std::string(e.name) + " ";
    if (o.stores) text += b + ", " + register_name(d, o, o.form);
    else if (o.shifts) text += register_name(a, o, 'v') + ", " + b;
    else
        text += register_name(d, o, o.form) + (o.mask ? "{k" + std::to_string(o.mask) + "}" : "") + ", " +
                (o.two ? "" : register_name(a, o, 'v') + ", ") + b;
    if (o.imm >= 0) text += ", " + std::to_string(o.imm);
    if (o.fourth >= 0) text += ", " + register_name(o.fourth, o, 'v');
    line(std::move(text));
}

void Assembler::vector(const Encoding& e, int d, int a, int b, Options o) {
    prefix(e, d, a, bit(b, 3), bit(b, 4), o, false);
    byte(0xC0 | (d & 7) << 3 | (b & 7));
    if (o.imm >= 0) byte(o.imm);
    if (o.fourth >= 0) byte(o.fourth << 4);
    vector_line(e, d, a, listing_ ? register_name(b, o, 'v') : std::string(), o);
}

void Assembler::vector(const Encoding& e, int d, int a, const Memory& b, Options o) {
    prefix(e, d, a, b.base >= 0 && bit(b.base, 3), b.index >= 0 && bit(b.index, 3), o, b.repeated);
    address(d, b, (o.imm >= 0) + (o.fourth >= 0));
    if (o.imm >= 0) byte(o.imm);
    if (o.fourth >= 0) byte(o.fourth << 4);
    vector_line(e, d, a, listing_ ? memory_name(b) : std::string(), o);
}

void Assembler::address(int d, const Memory& m, int rest) {
    const int reg = (d & 7) << 3;
    if (m.base < 0) {
        byte(reg | 5);
        references_.push_back({size(), m.offset, static_cast<uint8_t>(rest)});
        return word(0);
    }
    const int base = m.base & 7;
    const bool indexed = m.index >= 0 || base == 4;
    const int mode = m.offset == 0 && base != 5 ? 0 : 2;
    byte(mode << 6 | reg | (indexed ? 4 : base));
    if (indexed) byte(m.scale << 6 | (m.index >= 0 ? m.index & 7 : 4) << 3 | base);
    if (mode) word(m.offset);
}

void Assembler::mask(const char* name, int opcode, int d, int a, int b) {
    byte(0xC5);
    byte(0x80 | (~a & 15) << 3 | 4);
    byte(opcode);
    byte(0xC0 | d << 3 | b);
    line(std::string(name) + " k" + std::to_string(d) + ", k" + std::to_string(a) + ", k" +
         std::to_string(b));
}
void Assembler::mask_not(int d, int a) {
    byte(0xC5);
    byte(0xF8);
    byte(0x44);
    byte(0xC0 | d << 3 | a);
    line("knotw k" + std::to_string(d) + ", k" + std::to_string(a));
}
void Assembler::mask_move(int opcode, int d, const Memory& m) {
    byte(0xC4);
    byte(!(m.index >= 0 && bit(m.index, 3)) << 6 | !bit(m.base, 3) << 5 | 0x81);
    byte(0x78);
    byte(opcode);
    address(d, m, 0);
}
void Assembler::mask_load(int d, const Memory& from) {
    mask_move(0x90, d, from);
    line("kmovw k" + std::to_string(d) + ", " + memory_name(from));
}
void Assembler::mask_store(const Memory& to, int d) {
    mask_move(0x91, d, to);
    line("kmovw " + memory_name(to) + ", k" + std::to_string(d));
}

// Registers of 64 bits, both in the byte after the opcode.
void Assembler::general(int opcode, int reg, int rm) {
    byte(0x48 | bit(reg, 3) << 2 | bit(rm, 3));
    byte(opcode);
    byte(0xC0 | (reg & 7) << 3 | (rm & 7));
}
void Assembler::general(const char* name, int opcode, Register to, Register base, int32_t offset) {
    byte(0x48 | bit(to, 3) << 2 | bit(base, 3));
    byte(opcode);
    address(to, {base, -1, 0, offset, false}, 0);
    line(std::string(name) + " " + kGeneral[to] + ", [" + kGeneral[base] + " + " + std::to_string(offset) +
         "]");
}
void Assembler::load(Register to, Register base, int32_t offset) { general("mov", 0x8B, to, base, offset); }
void Assembler::load_address(Register to, Register base, int32_t offset) {
    general("lea", 0x8D, to, base, offset);
}
void Assembler::move(Register to, Register from) {
    general(0x89, from, to);
    line(std::string("mov ") + kGeneral[to] + ", " + kGeneral[from]);
}
void Assembler::add(Register to, int32_t number) {
    general(0x81, 0, to);
    word(number);
    line(std::string("add ") + kGeneral[to] + ", " + std::to_string(number));
}
void Assembler::and_with(Register to, int8_t number) {
    general(0x83, 4, to);
    byte(number & 255);
    line(std::string("and ") + kGeneral[to] + ", " + std::to_string(number));
}
void Assembler::zero(Register r) {
    general(0x31, r, r);
    line(std::string("xor ") + kGeneral[r] + ", " + kGeneral[r]);
}
void Assembler::compare(Register a, Register b) {
    general(0x39, b, a);
    line(std::string("cmp ") + kGeneral[a] + ", " + kGeneral[b]);
}
void Assembler::push(Register r) {
    if (r >= r8) byte(0x41);
    byte(0x50 | (r & 7));
    line(std::string("push ") + kGeneral[r]);
}
void Assembler::pop(Register r) {
    if (r >= r8) byte(0x41);
    byte(0x58 | (r & 7));
    line(std::string("pop ") + kGeneral[r]);
}
void Assembler::move_address(Register to, const void* target, const char* name) {
    byte(0x48 | bit(to, 3));
    byte(0xB8 | (to & 7));
    const auto where = reinterpret_cast<uint64_t>(target);
    word(static_cast<int32_t>(where));
    word(static_cast<int32_t>(where >> 32));
    line(std::string("mov ") + kGeneral[to] + ", " + name);
}
void Assembler::call(Register r) {
    if (r >= r8) byte(0x41);
    byte(0xFF);
    byte(0xD0 | (r & 7));
    line(std::string("call ") + kGeneral[r]);
}
void Assembler::jump_if_less(size_t to) {
    byte(0x0F);
    byte(0x8C);
    word(static_cast<int32_t>(static_cast<int64_t>(to) - static_cast<int64_t>(size() + 4)));
    line("jl loop");
}
void Assembler::clear_upper() {
    byte(0xC5);
    byte(0xF8);
    byte(0x77);
    line("vzeroupper");
}
void Assembler::give_back() {
    byte(0xC3);
    line("ret");
}
// By what does nothing.
void Assembler::align(size_t to) {
    while (size() % to) byte(0x90);
    if (listing_) text_ += "  loop:\n";
}

}  // namespace pb::code
