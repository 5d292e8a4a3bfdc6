// Capstone's details, in words that are the same for every ISA.
#include "stress/host/mutants/decoded.h"

#include <capstone/capstone.h>
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "stress/host/capstone_handle.h"
#include "stress/host/files.h"
#include "stress/host/options.h"

namespace sigsweep {

struct Decoder::State {
  CapstoneHandle capstone;
  unsigned machine = 0;
};

namespace {

const CapstoneMode& mode_of(unsigned machine) {
  if (const CapstoneMode* mode = capstone_mode(machine)) return *mode;
  throw Failure(kHarnessFailed, fmt::format("no disassembler for machine {}", machine));
}

// "eax", "ax" and "al" are parts of rax; "r8d" of r8.
std::string whole_x86(std::string name) {
  if (name.ends_with("flags")) return "flags";
  if (name.size() >= 2 && name[0] == 'r' &&
      std::isdigit(static_cast<unsigned char>(name[1])) != 0) {
    while (std::isdigit(static_cast<unsigned char>(name.back())) == 0) name.pop_back();
    return name;
  }
  if (name == "eip" || name == "rip") return "rip";
  static const std::map<std::string, std::string> kLetters = {
      {"ax", "rax"}, {"bx", "rbx"}, {"cx", "rcx"}, {"dx", "rdx"},
      {"si", "rsi"}, {"di", "rdi"}, {"bp", "rbp"}, {"sp", "rsp"}};
  if (name.size() == 2 && (name[1] == 'l' || name[1] == 'h')) name[1] = 'x';
  if (name.size() == 3 && (name[0] == 'r' || name[0] == 'e')) name.erase(0, 1);
  if (name.size() == 3 && name[2] == 'l') name.pop_back();  // sil
  const auto found = kLetters.find(name);
  return found == kLetters.end() ? name : found->second;
}

std::string whole(csh handle, bool arm, unsigned reg) {
  if (reg == 0) return {};
  const char* name = cs_reg_name(handle, reg);
  if (name == nullptr) return {};
  if (!arm) return whole_x86(name);
  const std::string text(name);
  return text == "cpsr" ? "flags" : text;
}

Operand operand_of(csh handle, const cs_x86_op& op) {
  Operand operand;
  operand.size = op.size;
  operand.read = (op.access & CS_AC_READ) != 0;
  operand.written = (op.access & CS_AC_WRITE) != 0;
  if (op.type == X86_OP_REG) {
    operand.kind = Operand::register_;
    operand.reg = whole(handle, false, op.reg);
  } else if (op.type == X86_OP_IMM) {
    operand.kind = Operand::immediate;
    operand.value = op.imm;
  } else if (op.type == X86_OP_MEM) {
    operand.kind = Operand::memory;
    operand.at = {whole(handle, false, op.mem.segment), whole(handle, false, op.mem.base),
                  whole(handle, false, op.mem.index), op.mem.scale, op.mem.disp};
  }
  return operand;
}

Operand operand_of(csh handle, const cs_arm_op& op) {
  Operand operand;
  operand.size = 4;
  operand.read = (op.access & CS_AC_READ) != 0;
  operand.written = (op.access & CS_AC_WRITE) != 0;
  if (op.type == ARM_OP_REG || op.type == ARM_OP_SYSREG) {
    operand.kind = Operand::register_;
    operand.reg = whole(handle, true, static_cast<unsigned>(op.reg));
  } else if (op.type == ARM_OP_MEM) {
    operand.kind = Operand::memory;
    operand.at = {{},
                  whole(handle, true, static_cast<unsigned>(op.mem.base)),
                  whole(handle, true, static_cast<unsigned>(op.mem.index)),
                  op.mem.scale,
                  op.mem.disp};
  } else {
    operand.kind = Operand::immediate;
    operand.value = op.subtracted ? -std::int64_t{op.imm} : std::int64_t{op.imm};
  }
  return operand;
}

void take_x86(csh handle, const cs_insn& insn, Decoded* out) {
  const cs_x86& x86 = insn.detail->x86;
  for (unsigned i = 0; i < x86.op_count; i++) {
    out->operands.push_back(operand_of(handle, x86.operands[i]));
  }
  out->modrm = x86.encoding.modrm_offset;
  out->displacement = x86.encoding.disp_offset;
  out->displacement_size = x86.encoding.disp_size;
  out->immediate = x86.encoding.imm_offset;
  out->immediate_size = x86.encoding.imm_size;
  if (insn.id == X86_INS_UD2 || insn.id == X86_INS_HLT) out->flow = Flow::trap;
  out->conditional = out->flow == Flow::jump && insn.id != X86_INS_JMP && insn.id != X86_INS_LJMP;
}

bool has_register(const Decoded& decoded, const char* name, bool written) {
  return std::ranges::any_of(decoded.operands, [&](const Operand& operand) {
    return operand.kind == Operand::register_ && operand.reg == name &&
           (!written || operand.written);
  });
}

void take_arm(csh handle, const cs_insn& insn, Decoded* out) {
  const cs_arm& arm = insn.detail->arm;
  for (unsigned i = 0; i < arm.op_count; i++) {
    out->operands.push_back(operand_of(handle, arm.operands[i]));
  }
  const std::string_view name = insn.mnemonic;
  const bool to_lr = insn.id == ARM_INS_BX && has_register(*out, "lr", false);
  if (insn.id == ARM_INS_BL || insn.id == ARM_INS_BLX) {
    out->flow = Flow::call;
  } else if (to_lr || has_register(*out, "pc", true)) {
    out->flow = Flow::returns;
  } else if (insn.id == ARM_INS_B || insn.id == ARM_INS_BX) {
    out->flow = Flow::jump;
  } else if (name.starts_with("udf")) {
    out->flow = Flow::trap;
  } else {
    out->flow = Flow::next;
  }
  out->conditional = arm.cc != ARM_CC_AL && arm.cc != ARM_CC_INVALID;
  if (out->conditional) out->reads.insert("flags");
  if (arm.update_flags) out->writes.insert("flags");
}

Flow flow_of(csh handle, const cs_insn& insn) {
  if (cs_insn_group(handle, &insn, CS_GRP_CALL)) return Flow::call;
  if (cs_insn_group(handle, &insn, CS_GRP_RET)) return Flow::returns;
  if (cs_insn_group(handle, &insn, CS_GRP_JUMP)) return Flow::jump;
  return Flow::next;
}

Decoded decoded_from(csh handle, bool arm, const cs_insn& insn, std::uint64_t start) {
  Decoded out;
  out.offset = insn.address - start;
  out.bytes.assign(reinterpret_cast<const char*>(insn.bytes), insn.size);
  out.name = insn.mnemonic;
  out.text = std::string(insn.mnemonic) + (insn.op_str[0] == 0 ? "" : " ") + insn.op_str;
  out.flow = flow_of(handle, insn);
  cs_regs reads, writes;
  std::uint8_t read_count = 0, write_count = 0;
  cs_regs_access(handle, &insn, reads, &read_count, writes, &write_count);
  for (unsigned i = 0; i < read_count; i++) out.reads.insert(whole(handle, arm, reads[i]));
  for (unsigned i = 0; i < write_count; i++) out.writes.insert(whole(handle, arm, writes[i]));
  if (arm) {
    take_arm(handle, insn, &out);
  } else {
    take_x86(handle, insn, &out);
  }
  const bool direct = out.operands.size() == 1 && out.operands[0].kind == Operand::immediate;
  if (direct && (out.flow == Flow::jump || out.flow == Flow::call)) {
    out.target = static_cast<std::uint64_t>(out.operands[0].value);
  }
  return out;
}

}  // namespace

bool Decoded::writes_memory() const {
  const bool pushes = name.starts_with("push") || name.starts_with("stm");
  return pushes || std::ranges::any_of(operands, [&](const Operand& operand) {
           return operand.kind == Operand::memory && (operand.written || name.starts_with("str"));
         });
}

const Operand* Decoded::memory() const {
  const auto found = std::ranges::find(operands, Operand::memory, &Operand::kind);
  return found == operands.end() ? nullptr : &*found;
}

Decoder::Decoder(unsigned machine) : state_(std::make_unique<State>()) {
  const CapstoneMode& mode = mode_of(machine);
  state_->machine = machine;
  if (!state_->capstone.open(mode)) {
    throw Failure(kHarnessFailed, fmt::format("Capstone does not take machine {}", machine));
  }
  cs_option(state_->capstone.get(), CS_OPT_DETAIL, CS_OPT_ON);
}

Decoder::~Decoder() = default;

bool Decoder::is_arm() const {
  return state_->machine == EM_ARM;
}

unsigned Decoder::word() const {
  return mode_of(state_->machine).word;
}

std::string Decoder::nops(std::size_t size) const {
  if (!is_arm()) return std::string(size, '\x90');
  std::string words;
  while (words.size() < size) words += std::string("\x00\xf0\x20\xe3", 4);
  return words;
}

std::vector<Decoded> Decoder::decode(std::string_view bytes, std::uint64_t start) const {
  std::vector<Decoded> code;
  const std::size_t unit = is_arm() ? 4 : 1;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto* from = reinterpret_cast<const std::uint8_t*>(bytes.data()) + at;
    cs_insn* insns = nullptr;
    const std::size_t count =
        cs_disasm(state_->capstone.get(), from, bytes.size() - at, start + at, 1, &insns);
    if (count == 1) {
      code.push_back(decoded_from(state_->capstone.get(), is_arm(), insns[0], start));
    } else {
      const std::string raw(bytes.substr(at, unit));
      Decoded none;
      none.offset = at;
      none.bytes = raw;
      none.text = none.name = "(no instruction)";
      none.flow = Flow::trap;
      code.push_back(none);
    }
    if (insns != nullptr) cs_free(insns, count);
    at += code.back().bytes.size();
  }
  return code;
}

ProgramCode::ProgramCode(const std::string& path) {
  std::string error;
  auto table = symtab::Table::load(path, &error);
  if (!table) throw Failure(kHarnessFailed, error);
  table_ = std::move(*table);
  bytes_ = content_of(path);
  decoder_ = std::make_unique<Decoder>(table_.machine());
}

ProgramCode::ProgramCode(unsigned machine) : decoder_(std::make_unique<Decoder>(machine)) {}

ProgramCode::Function ProgramCode::function(const std::string& symbol) const {
  const symtab::Symbol* s = table_.find_name(symbol);
  if (s == nullptr || s->file_offset + s->size > bytes_.size()) return {symbol, 0, 0, {}};
  const std::string_view body = std::string_view(bytes_).substr(s->file_offset, s->size);
  return {symbol, s->start, s->file_offset, decoder_->decode(body, s->start)};
}

std::string ProgramCode::name_at(std::uint64_t address) const {
  const symtab::Symbol* s = table_.find(address);
  return s == nullptr ? std::string() : s->name;
}

std::string ProgramCode::named(const Decoded& instruction) const {
  if (!instruction.target) return instruction.text;
  const symtab::Symbol* s = table_.find(*instruction.target);
  if (s == nullptr) return instruction.text;
  const std::uint64_t offset = *instruction.target - s->start;
  return fmt::format("{} {}{}", instruction.name, s->name,
                     offset == 0 ? "" : fmt::format("+{:#x}", offset));
}

}  // namespace sigsweep
