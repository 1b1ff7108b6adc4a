// Assembler: instructions of x86-64 as bytes and, on request, as text.
//
// Vector instructions come in two encodings: EVEX for AVX-512, whose registers have 64 bytes and which knows masks and
// operands that are repeated from one element of memory, and VEX for AVX2, whose registers have 32. The same tables serve
// both. Of the others there are the few that a loop is made of.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace pb::code {

// General registers, by the processor's numbers.
enum Register : int8_t { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 };

// How an instruction is encoded: its map of opcodes, its prefix, its opcode, and the bit W.
struct Encoding {
    const char* name;
    uint8_t map, prefix, opcode;
    uint8_t w = 0;
};

struct Memory {
    int8_t base = -1;  // -1: a constant of the pool
    int8_t index = -1;
    uint8_t scale = 0;  // the logarithm
    int32_t offset = 0;
    bool repeated = false;  // one element, for all lanes
    std::string name = {};  // in the text
};

class Assembler {
  public:
    Assembler(bool wide, bool listing) : wide_(wide), listing_(listing) {}

    const std::vector<uint8_t>& bytes() const { return bytes_; }
    size_t size() const { return bytes_.size(); }
    int count() const { return count_; }

    // d = op(a, b) on registers of the vectors' width, or of 16 or 32 bytes; a is 0 where an instruction has one operand.
    struct Options {
        int imm = -1;
        int mask = 0;         // with AVX-512
        int bytes = 0;        // 0: as wide as vectors are
        char form = 'v';      // of d: a vector, or a mask 'k'
        int fourth = -1;      // a register that stands where an immediate would
        bool two = false;     // no operand a
        bool stores = false;  // from d to b: so the text has it
        bool shifts = false;  // d says which way, a is the result
    };
    void vector(const Encoding& e, int d, int a, int b, Options o);
    void vector(const Encoding& e, int d, int a, const Memory& b, Options o);
    // Masks of AVX-512: d = op(a, b), and their way from and to memory.
    void mask(const char* name, int opcode, int d, int a, int b);
    void mask_not(int d, int a);
    void mask_load(int d, const Memory& from);
    void mask_store(const Memory& to, int d);

    void load(Register to, Register base, int32_t offset);
    void move(Register to, Register from);
    void add(Register to, int32_t number);
    void and_with(Register to, int8_t number);
    void zero(Register r);
    void compare(Register a, Register b);
    void push(Register r);
    void pop(Register r);
    void load_address(Register to, Register base, int32_t offset);
    void move_address(Register to, const void* address, const char* name);
    void call(Register r);
    void jump_if_less(size_t to);
    void clear_upper();
    void give_back();
    void align(size_t to);

    void put_word(size_t at, int32_t word);
    // Where a number of the pool is meant, and after how many bytes the instruction ends.
    struct Reference {
        size_t at;
        int32_t number;
        uint8_t rest;
    };
    const std::vector<Reference>& references() const { return references_; }
    void byte(int b) { bytes_.push_back(static_cast<uint8_t>(b)); }
    void word(int32_t w);

    // A line of the listing; what follows the instruction is for readers.
    void remark(std::string text) { remark_ = std::move(text); }
    const std::string& text() const { return text_; }

  private:
    void prefix(const Encoding& e, int d, int a, bool r_b, bool r_x, const Options& o, bool repeated);
    void address(int d, const Memory& m, int rest);
    void general(int opcode, int reg, int rm);
    void general(const char* name, int opcode, Register to, Register base, int32_t offset);
    void mask_move(int opcode, int d, const Memory& m);
    void vector_line(const Encoding& e, int d, int a, const std::string& b, const Options& o);
    void line(std::string instruction);
    std::string register_name(int r, const Options& o, char form) const;
    std::string memory_name(const Memory& m) const;

    bool wide_, listing_;
    int count_ = 0;
    std::vector<uint8_t> bytes_;
    std::vector<Reference> references_;
    std::string text_, remark_;
};

}  // namespace pb::code
