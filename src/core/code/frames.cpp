#include "code/frames.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__linux__)
#include <elf.h>
#endif

// What GDB looks for, by these names: a list, and a function that it stops in when the list changes.
extern "C" {
struct jit_code_entry {
    jit_code_entry *next_entry, *prev_entry;
    const char* symfile_addr;
    uint64_t symfile_size;
};
struct jit_descriptor {
    uint32_t version, action_flag;
    jit_code_entry *relevant_entry, *first_entry;
};
__attribute__((visibility("default"), used)) jit_descriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};
__attribute__((visibility("default"), used, noinline)) void __jit_debug_register_code() { asm volatile(""); }
}

namespace pb::code {

namespace {

constexpr size_t kMostName = 64;

bool is_wished(const char* variable) {
    const char* wish = std::getenv(variable);
    return wish && std::strcmp(wish, "0") != 0;
}

void write_to_map(const void* start, size_t bytes, const char* name) {
    char path[64];
    std::snprintf(path, sizeof path, "/tmp/perf-%d.map", static_cast<int>(getpid()));
    if (std::FILE* map = std::fopen(path, "a")) {
        std::fprintf(map, "%llx %zx %s\n",
                     static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(start)), bytes, name);
        std::fclose(map);
    }
}

}  // namespace

#if defined(__linux__)

// An object file: what code it is for lies elsewhere, at an address that is known.
struct Frame::Registered {
    enum Section : uint16_t { none, text, symbols, strings, count };
    static constexpr char kStrings[] = "\0.text\0.symtab\0.strtab";
    static constexpr uint32_t kText = 1, kSymbols = 7, kStringsName = 15;

    struct File {
        Elf64_Ehdr header;
        Elf64_Shdr sections[count];
        Elf64_Sym symbols[2];  // the first is empty in all such tables
        char strings[sizeof kStrings + kMostName];
    } file{};
    jit_code_entry entry{};

    Registered(const void* start, size_t bytes, const char* name) {
        Elf64_Ehdr& h = file.header;
        std::memcpy(h.e_ident, ELFMAG, SELFMAG);
        h.e_ident[EI_CLASS] = ELFCLASS64;
        h.e_ident[EI_DATA] = ELFDATA2LSB;
        h.e_ident[EI_VERSION] = h.e_version = EV_CURRENT;
        h.e_type = ET_REL;
        h.e_machine = EM_X86_64;
        h.e_shoff = offsetof(File, sections);
        h.e_ehsize = sizeof h;
        h.e_shentsize = sizeof(Elf64_Shdr);
        h.e_shnum = count;
        h.e_shstrndx = strings;
        Elf64_Shdr& code = file.sections[text];
        code.sh_name = kText;
        code.sh_type = SHT_NOBITS;
        code.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
        code.sh_addr = reinterpret_cast<uintptr_t>(start);
        code.sh_size = bytes;
        Elf64_Shdr& table = file.sections[symbols];
        table.sh_name = kSymbols;
        table.sh_type = SHT_SYMTAB;
        table.sh_offset = offsetof(File, symbols);
        table.sh_size = sizeof file.symbols;
        table.sh_link = strings;
        table.sh_info = 1;
        table.sh_entsize = sizeof(Elf64_Sym);
        Elf64_Shdr& names = file.sections[strings];
        names.sh_name = kStringsName;
        names.sh_type = SHT_STRTAB;
        names.sh_offset = offsetof(File, strings);
        names.sh_size = sizeof file.strings;
        Elf64_Sym& symbol = file.symbols[1];
        symbol.st_name = sizeof kStrings;
        symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
        symbol.st_shndx = text;
        symbol.st_size = bytes;
        std::memcpy(file.strings, kStrings, sizeof kStrings);
        std::snprintf(file.strings + sizeof kStrings, kMostName, "%s", name);
        entry.symfile_addr = reinterpret_cast<const char*>(&file);
        entry.symfile_size = sizeof file;
        entry.next_entry = __jit_debug_descriptor.first_entry;
        if (entry.next_entry) entry.next_entry->prev_entry = &entry;
        __jit_debug_descriptor.first_entry = &entry;
        tell(kRegister);
    }
    ~Registered() {
        (entry.prev_entry ? entry.prev_entry->next_entry : __jit_debug_descriptor.first_entry) =
            entry.next_entry;
        if (entry.next_entry) entry.next_entry->prev_entry = entry.prev_entry;
        tell(kUnregister);
    }
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;

  private:
    static constexpr uint32_t kRegister = 1, kUnregister = 2;
    void tell(uint32_t action) {
        __jit_debug_descriptor.relevant_entry = &entry;
        __jit_debug_descriptor.action_flag = action;
        __jit_debug_register_code();
    }
};

#else
struct Frame::Registered {
    Registered(const void*, size_t, const char*) {}
};
#endif

Frame::Frame(const void* start, size_t bytes) {
    static const bool map = is_wished("PULLBACK_PERF_MAP"), debugger = is_wished("PULLBACK_GDB");
    static unsigned long long count = 0;
    if (!start || (!map && !debugger)) return;
    char name[kMostName];
    std::snprintf(name, sizeof name, "pullback::program_%llu", ++count);
    if (map) write_to_map(start, bytes, name);
    if (debugger) registered_ = std::make_unique<Registered>(start, bytes, name);
}
Frame::~Frame() = default;

}  // namespace pb::code
