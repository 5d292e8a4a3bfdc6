// Each rule by which code in a shared object is named, in objects that were built for it.
#include "stress/base/modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace sigsweep {
namespace {

// What modules_test_code.c lists in `places`.
enum Kind { exported, hidden, unsized, unsized_next, sized, inner, array, calls, twice };

std::string path_of(const std::string& object) {
  return MODULES_TEST_CODE "/modules_test_" + object + ".so";
}

std::string content_of(const std::string& object) {
  std::ifstream in(path_of(object), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

symtab::Table table_of(const std::string& object) {
  std::string error;
  auto table = symtab::Table::load_all(path_of(object), &error);
  EXPECT_EQ(error, "");
  return table.value_or(symtab::Table());
}

// "symbol+0x1" of a linked address; "-": none.
std::string name_in(const symtab::Table& table, std::uint64_t address) {
  const symtab::Symbol* found = table.find(address);
  if (found == nullptr) return "-";
  const std::uint64_t offset = address - found->start;
  return found->name + (offset == 0 ? "" : "+" + std::to_string(offset));
}

class Loaded {
 public:
  explicit Loaded(const std::string& object)
      : handle_(dlopen(path_of(object).c_str(), RTLD_LAZY | RTLD_LOCAL)) {
    EXPECT_NE(handle_, nullptr) << dlerror();
  }
  ~Loaded() { dlclose(handle_); }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;

  std::uint64_t at(Kind kind) const {
    return as_address(static_cast<const void* const*>(dlsym(handle_, "places"))[kind]);
  }
  std::uint64_t at(const char* name) const { return as_address(dlsym(handle_, name)); }

 private:
  void* handle_;
};

std::string name_at(Modules* modules, std::uint64_t pc) {
  const auto found = modules->find(pc);
  if (!found) return "-";
  return found->symbol + (found->offset == 0 ? "" : "+" + std::to_string(found->offset));
}

std::string hex_of(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

// Where the first call or jump of a function leads to: `e8` or `e9`, and the distance.
std::uint64_t callee_of(const symtab::Symbol& function, const std::string& content) {
  for (std::uint64_t i = 0; i + 5 <= function.size; i++) {
    const auto opcode = static_cast<unsigned char>(content[function.file_offset + i]);
    if (opcode != 0xe8 && opcode != 0xe9) continue;
    std::int32_t distance = 0;
    std::memcpy(&distance, content.data() + function.file_offset + i + 1, sizeof distance);
    return function.start + i + 5 + static_cast<std::uint64_t>(std::int64_t{distance});
  }
  return 0;
}

// ---- the names of one file

class OfBothClasses : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Names, OfBothClasses, testing::Values("", "32"));

TEST_P(OfBothClasses, SymbolsWithASizeComeFirst) {
  const auto table = table_of(std::string("whole") + GetParam());
  for (const char* name : {"exported", "hidden", "twice", "sized", "array"}) {
    const symtab::Symbol* found = table.find_name(name);
    ASSERT_NE(found, nullptr) << name;
    for (std::uint64_t i = 0; i < found->size; i++) {
      EXPECT_EQ(table.find(found->start + i), found) << name << "+" << i;
    }
  }
  EXPECT_EQ(table.find_name("sized")->size, 3U);
  EXPECT_EQ(table.find_name("inner"), nullptr) << "a label in a function with a size is no name";
}

TEST_P(OfBothClasses, LabelsReachToTheNextSymbol) {
  const auto table = table_of(std::string("whole") + GetParam());
  const symtab::Symbol* label = table.find_name("unsized");
  ASSERT_NE(label, nullptr);
  EXPECT_EQ(label->size, 2U);
  for (const auto& [offset, name] : {std::pair{0U, "unsized"},
                                     {1U, "unsized+1"},
                                     {2U, "unsized_next"},
                                     {3U, "unsized_next+1"},
                                     {4U, "sized"},
                                     {5U, "sized+1"},
                                     {7U, "array"}}) {
    EXPECT_EQ(name_in(table, label->start + offset), name);
  }
}

TEST_P(OfBothClasses, OneOfSeveralNamesIsAlwaysFound) {
  for (const char* object : {"whole", "stripped"}) {
    const auto table = table_of(object + std::string(GetParam()));
    const symtab::Symbol* weak = table.find_name("alias_weak");
    ASSERT_NE(weak, nullptr);
    EXPECT_EQ(name_in(table, weak->start + 1), "alias+1") << object;
  }
}

TEST_P(OfBothClasses, CallsOfOtherFilesAreNamed) {
  for (const char* object : {"whole", "stripped"}) {
    const auto table = table_of(object + std::string(GetParam()));
    const symtab::Symbol* caller = table.find_name("calls");
    ASSERT_NE(caller, nullptr);
    const std::string content = content_of(object + std::string(GetParam()));
    std::uint64_t callee = callee_of(*caller, content);
    if (name_in(table, callee) != "getpid@plt") {  // 386's first call gets its own address
      symtab::Symbol rest = *caller;
      const std::uint64_t skipped = 12;
      rest.start += skipped, rest.file_offset += skipped, rest.size -= skipped;
      callee = callee_of(rest, content);
    }
    EXPECT_EQ(name_in(table, callee), "getpid@plt") << object;
  }
}

TEST_P(OfBothClasses, AStrippedFunctionIsNamedByItsFrameEntry) {
  const auto whole = table_of(std::string("whole") + GetParam());
  const auto stripped = table_of(std::string("stripped") + GetParam());
  EXPECT_EQ(stripped.find_name("hidden"), nullptr);
  const symtab::Symbol* exported = stripped.find_name("exported");
  ASSERT_NE(exported, nullptr);
  // The same code at the same place, but for what the headers take.
  const std::uint64_t moved = exported->start - whole.find_name("exported")->start;
  const symtab::Symbol* named = whole.find_name("hidden");
  const std::uint64_t start = named->start + moved;
  const symtab::Symbol* found = stripped.find(start + 1);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "fde@" + hex_of(start));
  EXPECT_EQ(found->start, start);
  EXPECT_EQ(found->size, named->size);
}

TEST_P(OfBothClasses, FramesAreFoundWithoutSectionHeaders) {
  const std::string object = std::string("stripped") + GetParam();
  std::string content = content_of(object), error;
  if (*GetParam() == '\0') {
    reinterpret_cast<Elf64_Ehdr*>(content.data())->e_shnum = 0;
  } else {
    reinterpret_cast<Elf32_Ehdr*>(content.data())->e_shnum = 0;
  }
  const auto table = symtab::Table::parse_all(content, &error);
  ASSERT_TRUE(table) << error;
  const auto with = table_of(object);
  const symtab::Symbol* exported = with.find_name("exported");
  ASSERT_NE(exported, nullptr);
  EXPECT_EQ(name_in(*table, exported->start + 1), "fde@" + hex_of(exported->start) + "+1");
  EXPECT_TRUE(table->is_executable(exported->start));
  EXPECT_FALSE(table->is_executable(
      with.find_name("places") != nullptr ? with.find_name("places")->start : ~std::uint64_t{0}));
}

TEST(Names, AFileWithNeitherHasNone) {
  const auto table = table_of("bare");
  const Loaded bare("bare");
  Modules modules;
  const auto found = modules.find(bare.at(hidden));
  ASSERT_TRUE(found);
  EXPECT_EQ(table.find(found->linked), nullptr);
  EXPECT_TRUE(table.is_executable(found->linked));
  EXPECT_EQ(found->symbol, "modules_test_bare.so");
  EXPECT_EQ(found->offset, found->linked);
  EXPECT_EQ(found->linked + found->module->bias, bare.at(hidden));
  EXPECT_EQ(modules.address_of(found->symbol).value_or(0) + found->offset, bare.at(hidden));
}

TEST(Names, AFileSaysWhichBuildItIs) {
  EXPECT_EQ(table_of("whole").build_id(), "0123456789abcdef");
  const std::string hashed = table_of("bare").build_id();
  EXPECT_EQ(hashed.size(), 16U);
  std::string content = content_of("bare"), error;
  EXPECT_EQ(symtab::Table::parse_all(content, &error)->build_id(), hashed);
  content.back() ^= 1;
  EXPECT_NE(symtab::Table::parse_all(content, &error)->build_id(), hashed);
}

TEST(Names, SectionsAreListedByName) {
  const auto table = table_of("whole");
  const auto named = [&](const char* name) {
    return std::ranges::find(table.sections(), name, &symtab::LoadedSection::name);
  };
  const auto text = named(".text");
  ASSERT_NE(text, table.sections().end());
  EXPECT_TRUE(text->executable);
  EXPECT_LT(table.find_name("exported")->start - text->start, text->size);
  EXPECT_FALSE(named(".dynsym")->executable);
  EXPECT_EQ(named(".symtab"), table.sections().end()) << "it is not loaded";
  EXPECT_EQ(table.machine(), unsigned{EM_X86_64});
  EXPECT_EQ(table_of("whole32").machine(), unsigned{EM_386});
}

// ---- damaged files

TEST_P(OfBothClasses, AFileThatIsCutShortIsSaidToBe) {
  for (const char* object : {"whole", "stripped"}) {
    const std::string content = content_of(object + std::string(GetParam()));
    for (std::size_t size = 0; size < content.size(); size += size < 4096 ? 1 : 7) {
      std::string error;
      const auto table = symtab::Table::parse_all(content.substr(0, size), &error);
      if (size < 52) {
        EXPECT_EQ(error, "cannot be read as an ELF file") << size;
      } else {
        ASSERT_TRUE(table) << size;
        EXPECT_NE(table->problem(), "") << size;
        table->find(0x1000);
      }
    }
  }
}

// Each byte of the headers, of the tables and of the call frame information, with other values.
TEST_P(OfBothClasses, ADamagedFileIsReadAsFarAsItGoes) {
  for (const char* object : {"whole", "stripped"}) {
    std::string content = content_of(object + std::string(GetParam()));
    unsigned named = 0;
    for (std::size_t i = 16; i < content.size(); i++) {
      const char was = content[i];
      if (was == '\0' && i % 5 != 0) continue;
      for (const char value : {'\xff', '\x80', '\1'}) {
        content[i] = value;
        std::string error;
        const auto table = symtab::Table::parse_all(content, &error);
        if (!table) continue;
        named += table->symbols().size() + table->further()[0].size() > 0 ? 1 : 0;
      }
      content[i] = was;
    }
    EXPECT_GT(named, 1000U);
  }
}

TEST(Names, OtherFilesAreRefused) {
  std::string error, content = content_of("whole");
  EXPECT_FALSE(symtab::Table::load_all("/no/such/file", &error));
  EXPECT_EQ(error, "/no/such/file: cannot be read as an ELF file");
  content[EI_DATA] = ELFDATA2MSB;
  EXPECT_FALSE(symtab::Table::parse_all(content, &error));
  EXPECT_EQ(error, "is an ELF file of the other byte order");
}

// ---- the modules of this process

TEST(Modules, OwnFunctionsHavePlainNamesAndNoModule) {
  Modules modules;
  const auto found = modules.find(as_address(reinterpret_cast<const void*>(&path_of)) + 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->module, &modules.program());
  EXPECT_EQ(found->module->name, "");
  EXPECT_EQ(found->offset, 1U);
  EXPECT_EQ(found->linked + symtab::bias(),
            as_address(reinterpret_cast<const void*>(&path_of)) + 1);
  EXPECT_NE(found->symbol.find("path_of"), std::string::npos);
  EXPECT_EQ(found->symbol.find('@'), std::string::npos);
}

TEST(Modules, ThoseThatAreLoadedLaterAreFound) {
  Modules modules;
  const std::size_t before = modules.all().size();
  const Loaded whole("whole");
  EXPECT_EQ(modules.at(whole.at(hidden)), nullptr);
  EXPECT_EQ(name_at(&modules, whole.at(hidden) + 1), "hidden+1");
  EXPECT_EQ(modules.all().size(), before + 1);
  const Module* module = modules.at(whole.at(hidden));
  ASSERT_NE(module, nullptr);
  EXPECT_EQ(module->name, "modules_test_whole.so");
  EXPECT_EQ(module->path, path_of("whole"));
  EXPECT_EQ(modules.problem(*module), "");
  EXPECT_EQ(modules.table(*module).build_id(), "0123456789abcdef");
  ASSERT_EQ(module->executable.size(), 1U);
  EXPECT_LT(whole.at(hidden) - module->executable[0].begin,
            module->executable[0].end - module->executable[0].begin);
}

TEST(Modules, EachKindOfCodeHasItsName) {
  const Loaded whole("whole");
  Modules modules;
  for (const auto& [kind, name] : {std::pair{exported, "exported"},
                                   {hidden, "hidden"},
                                   {unsized, "unsized"},
                                   {unsized_next, "unsized_next"},
                                   {sized, "sized"},
                                   {inner, "sized+1"},
                                   {array, "array"}}) {
    EXPECT_EQ(name_at(&modules, whole.at(kind)), name);
    if (kind != inner) {
      EXPECT_EQ(modules.address_of(name), whole.at(kind)) << name;
    }
  }
}

TEST(Modules, NamesOfTwoModulesAreMadeUnique) {
  const Loaded whole("whole"), twin("twin");
  Modules modules;
  EXPECT_EQ(name_at(&modules, whole.at(hidden) + 1), "hidden@modules_test_whole.so+1");
  EXPECT_EQ(name_at(&modules, twin.at(hidden) + 1), "hidden@modules_test_twin.so+1");
  EXPECT_EQ(modules.address_of("hidden@modules_test_whole.so"), whole.at(hidden));
  EXPECT_EQ(modules.address_of("hidden@modules_test_twin.so"), twin.at(hidden));
  EXPECT_EQ(modules.address_of("hidden"), std::nullopt) << "which one?";
}

TEST(Modules, NamesOfTwoFunctionsOfOneModuleAreMadeUnique) {
  const Loaded twin("twin");
  Modules modules;
  const auto first = modules.find(twin.at(twice));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->symbol, "twice@modules_test_twin.so:" + hex_of(first->linked));
  const void* const* place =
      static_cast<const void* const*>(reinterpret_cast<const void*>(twin.at("second_place")));
  const auto second = modules.find(as_address(*place));
  ASSERT_TRUE(second);
  EXPECT_NE(second->linked, first->linked);
  EXPECT_EQ(second->symbol, "twice@modules_test_twin.so:" + hex_of(second->linked));
  EXPECT_EQ(modules.address_of(first->symbol), twin.at(twice));
  EXPECT_EQ(modules.address_of(second->symbol), as_address(*place));
  EXPECT_EQ(name_at(&modules, twin.at(exported)), "exported") << "the only one keeps its name";
}

TEST(Modules, AModuleThatIsLoadedAgainKeepsItsName) {
  Modules modules;
  std::optional<Loaded> bare(std::in_place, "bare");
  const auto first = modules.find(bare->at(hidden));
  ASSERT_TRUE(first);
  bare.reset();
  const Loaded in_between("whole");  // takes its place, as a rule
  bare.emplace("bare");
  modules.look();
  const auto again = modules.find(bare->at(hidden));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->module, first->module);
  EXPECT_EQ(again->symbol, first->symbol);
  EXPECT_EQ(again->linked, first->linked);
}

// A schedule writes SYMBOL+OFFSET.
TEST(Modules, NoNameHasAPlusOrABlank) {
  const std::string odd =
      std::string(testing::TempDir()) + "modules+test " + std::to_string(getpid());
  std::ofstream(odd, std::ios::binary) << content_of("bare");
  void* handle = dlopen(odd.c_str(), RTLD_LAZY);
  ASSERT_NE(handle, nullptr) << dlerror();
  Modules modules;
  const void* place = *static_cast<const void* const*>(dlsym(handle, "places"));
  const auto found = modules.find(as_address(place) + 5);  // `exported`, or within
  ASSERT_TRUE(found);
  EXPECT_EQ(found->module->name, "modules+test " + std::to_string(getpid()));
  const std::string symbol = "modules_test_" + std::to_string(getpid());
  EXPECT_EQ(modules.address_of(symbol), found->module->bias);
  dlclose(handle);
  unlink(odd.c_str());
}

TEST(Modules, TheVdsoHasNames) {
  const std::uint64_t base = getauxval(AT_SYSINFO_EHDR);
  if (base == 0) GTEST_SKIP() << "this kernel gives none";
  Modules modules;
  const Module* module = modules.at(base);
  ASSERT_NE(module, nullptr);
  EXPECT_EQ(module->name, "linux-vdso");
  EXPECT_EQ(modules.problem(*module), "");
  const auto address = modules.address_of("__vdso_gettimeofday");
  ASSERT_TRUE(address);
  EXPECT_EQ(modules.at(*address), module);
}

TEST(Modules, AnAddressOutsideIsInNone) {
  Modules modules;
  int local = 0;
  EXPECT_FALSE(modules.find(as_address(&local)));
  EXPECT_FALSE(modules.find(0));
  EXPECT_FALSE(modules.find(~std::uint64_t{0}));
}

}  // namespace
}  // namespace sigsweep
