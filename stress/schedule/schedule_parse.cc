// A strict parser that says line, column and what is allowed.
//
// The grammar is line by line and each line is read from left to right, so that the first error
// reported is the first in the text. Keywords and the options of `inject` are rows of tables. A
// function that returns false, or nothing, has recorded the error already.
#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "stress/schedule/schedule.h"
#include "stress/schedule/schedule_message.h"
#include "stress/schedule/schedule_text.h"
#include "stress/schedule/schedule_token.h"

namespace sigsweep {
namespace {

constexpr std::string_view kTitleWords = "sigsweep schedule ";

class Parser {
 public:
  Parser(std::string_view text, std::string_view file, const Catalog& catalog)
      : rest_(text), catalog_(catalog) {
    error_.file = file;
  }

  std::variant<Schedule, ParseError> parse() {
    if (read_title() && read_lines() && read_end()) return std::move(schedule_);
    return std::move(error_);
  }

  static std::vector<std::string> words();

 private:
  enum class Stage { header, body, tail };  // before the first op, among the ops, after `expect`

  struct Keyword {
    std::string_view name;
    bool (Parser::*read)();
    bool once;
    Stage first, last;  // where it may stand
    std::string_view where;
  };
  static const Keyword kKeywords[8];

  struct Option {
    std::string_view name;
    bool (Parser::*read)(Token value, Injection& injection);
  };
  static const Option kOptions[5];

  // Lines and tokens.
  bool take_line();
  bool check_bytes();
  Token next();
  std::optional<Field> next_field();

  // The parts of a file.
  bool read_title();
  bool read_lines();
  bool read_line();
  bool read_end();
  bool has_header(Token where);

  // The lines, after their keyword.
  bool read_isa() { return read_name("isa", next(), names_of(catalog_.isas), schedule_.isa); }
  bool read_protocol() {
    return read_name("protocol", next(), names_of(catalog_.protocols), schedule_.protocol);
  }
  bool read_subject();
  bool read_seed();
  bool read_op();
  bool read_inject();
  bool read_expect();
  bool read_origin();

  // The parts of an `inject` line.
  bool read_boundary(Token token, BoundaryName& at);
  bool read_fields(Injection& injection);
  bool read_nth(Token value, Injection& injection);
  bool read_phase(Token value, Injection& injection);
  bool read_by(Token value, Injection& injection);
  bool read_in(Token value, Injection& injection);
  bool read_handler(Token value, Injection& injection);

  // Shared by several of them.
  bool read_name(std::string_view what, Token token, const Names& allowed, std::string& to);
  std::optional<std::uint64_t> read_number(std::string_view what, Token token, std::uint64_t least,
                                           std::uint64_t most);
  bool read_argument(std::string_view kind, const CatalogEntry& owner, const Field& field,
                     std::vector<Argument>& to);
  bool read_word(std::string_view what, Token token, std::string& to);
  bool read_build(std::string& to);
  bool fail(Token where, std::string message);

  std::string_view rest_;  // the lines to come
  std::string_view line_;
  std::size_t position_ = 0;  // in line_
  unsigned line_number_ = 0;
  Token keyword_{};  // of the line
  Stage stage_ = Stage::header;
  bool seen_[std::size(kKeywords)] = {};

  const Catalog& catalog_;
  Schedule schedule_;
  ParseError error_;
};

const Parser::Keyword Parser::kKeywords[] = {
    {"isa", &Parser::read_isa, true, Stage::header, Stage::header, "before the first op"},
    {"subject", &Parser::read_subject, true, Stage::header, Stage::header, "before the first op"},
    {"protocol", &Parser::read_protocol, true, Stage::header, Stage::header, "before the first op"},
    {"seed", &Parser::read_seed, true, Stage::header, Stage::header, "before the first op"},
    {"op", &Parser::read_op, false, Stage::header, Stage::body, "before expect"},
    {"inject", &Parser::read_inject, false, Stage::body, Stage::body, "under an op, before expect"},
    {"expect", &Parser::read_expect, true, Stage::body, Stage::tail, "after the ops"},
    {"origin", &Parser::read_origin, true, Stage::header, Stage::tail, "after the first line"},
};

const Parser::Option Parser::kOptions[] = {
    {"nth", &Parser::read_nth}, {"phase", &Parser::read_phase},     {"by", &Parser::read_by},
    {"in", &Parser::read_in},   {"handler", &Parser::read_handler},
};

std::vector<std::string> Parser::words() {
  std::vector<std::string> words = {std::string(kTitle), "at", "adapter", "build="};
  for (const Keyword& keyword : kKeywords) words.emplace_back(keyword.name);
  for (const Option& option : kOptions) words.push_back(std::string(option.name) + "=");
  for (const std::string_view name : kSignals) words.emplace_back(name);
  for (const std::string_view name : kSourceNames) words.emplace_back(name);
  return words;
}

bool Parser::fail(Token where, std::string message) {
  error_.line = line_number_;
  error_.column = where.column;
  error_.message = std::move(message);
  return false;
}

// Without a next line, the line number is that of the line after the last one. Messages about a
// missing line point there.
bool Parser::take_line() {
  ++line_number_;
  position_ = 0;
  if (rest_.empty()) return false;
  line_ = cut(rest_, '\n');
  return true;
}

bool Parser::check_bytes() {
  const auto bad =
      std::ranges::find_if(line_, [](char c) { return is_control(c) && !is_blank(c); });
  if (bad == line_.end()) return true;
  const Token where{{}, static_cast<unsigned>(bad - line_.begin()) + 1};
  if (*bad == '\r') return fail(where, "carriage return; lines must end in LF alone, not in CR LF");
  return fail(where, "byte " + hex(static_cast<unsigned char>(*bad)) +
                         "; of the control characters only tab and line feed are allowed");
}

// At the end of the line, or at a comment, an empty token that points behind the last one.
Token Parser::next() {
  const std::size_t begin = line_.find_first_not_of(kBlanks, position_);
  if (begin == std::string_view::npos || line_[begin] == '#') {
    return {{}, static_cast<unsigned>(position_) + 1};
  }
  position_ = std::min(line_.find_first_of(kBlanks, begin), line_.size());
  return {line_.substr(begin, position_ - begin), static_cast<unsigned>(begin) + 1};
}

// The next token as name=value. At the end of the line its name is empty.
std::optional<Field> Parser::next_field() {
  const Token token = next();
  if (token.text.empty()) return Field{token, token};
  const std::size_t equals = token.text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    fail(token, quote(token.text) + " where name=value must stand");
    return std::nullopt;
  }
  return Field{{token.text.substr(0, equals), token.column},
               {token.text.substr(equals + 1), token.column + static_cast<unsigned>(equals) + 1}};
}

bool Parser::read_title() {
  if (!take_line()) {
    return fail({{}, 1}, "empty; the first line must be " + quote(kTitle));
  }
  if (!check_bytes()) return false;
  if (line_ == kTitle) return true;
  if (line_.starts_with(kTitleWords)) {
    const std::string_view version = line_.substr(kTitleWords.size());
    return fail({version, static_cast<unsigned>(kTitleWords.size()) + 1},
                "schedule version " + quote(version) +
                    "; only version 1 is understood: the first line must be exactly " +
                    quote(kTitle));
  }
  return fail({line_, 1}, "first line " + quote(line_) + "; it must be " + quote(kTitle));
}

bool Parser::read_lines() {
  while (take_line()) {
    if (!check_bytes() || !read_line()) return false;
  }
  return true;
}

bool Parser::read_line() {
  keyword_ = next();
  if (keyword_.text.empty()) return true;
  const auto row = std::ranges::find(kKeywords, keyword_.text, &Keyword::name);
  if (row == std::end(kKeywords)) {
    Names names;
    for (const Keyword& keyword : kKeywords) names.push_back(keyword.name);
    return fail(keyword_, "unknown keyword " + quote(keyword_.text) +
                              "; allowed: " + listed(names, keyword_.text));
  }
  const std::string name(row->name);
  const bool again = std::exchange(seen_[row - std::begin(kKeywords)], true);
  if (row->once && again) return fail(keyword_, "a second " + name + "; one is allowed");
  if (stage_ < row->first || stage_ > row->last) {
    return fail(keyword_, name + " out of place; it must stand " + std::string(row->where));
  }
  if (!(this->*row->read)()) return false;

  const Token extra = next();
  if (extra.text.empty()) return true;
  return fail(extra, quote(extra.text) + " is too much; the " + name + " line must end before it");
}

bool Parser::read_end() {
  const Token end{{}, 1};
  if (!has_header(end)) return false;
  return !schedule_.operations.empty() || fail(end, "op is missing; at least one is needed");
}

bool Parser::has_header(Token where) {
  if (schedule_.isa.empty()) {
    return fail(where, "isa is missing; it must stand before the first op, one of: " +
                           listed(names_of(catalog_.isas), {}));
  }
  if (schedule_.protocol.empty()) {
    return fail(where, "protocol is missing; it must stand before the first op, one of: " +
                           listed(names_of(catalog_.protocols), {}));
  }
  return true;
}

// Another version or build of the same library is welcome: its boundaries are found by their phase.
bool Parser::read_subject() {
  const Token kind = next();
  if (kind.text != "adapter") {
    return fail(kind, quote(kind.text) +
                          " where \"adapter\" must stand: subject adapter NAME VERSION build=ID");
  }
  AdapterIdentity adapter;
  const Token name = next();
  if (!read_word("adapter's name", name, adapter.name)) return false;
  if (!catalog_.adapter) {
    return fail(name, "for the adapter " + quote(adapter.name) +
                          ", and none is given; --adapter FILE.so must name its file");
  }
  if (adapter.name != catalog_.adapter->name) {
    return fail(name, "for the adapter " + quote(adapter.name) + "; the one that is given is " +
                          quote(catalog_.adapter->name) + ", and only that is allowed");
  }
  if (!read_word("adapter's version", next(), adapter.version)) return false;
  if (!read_build(adapter.build)) return false;
  schedule_.adapter = std::move(adapter);
  return true;
}

bool Parser::read_word(std::string_view what, Token token, std::string& to) {
  to = token.text;
  return is_adapter_word(token.text) ||
         fail(token, std::string(what) + " is " + quote(token.text) +
                         "; it must be of letters, digits, '-', '_', '.' and '+'");
}

bool Parser::read_build(std::string& to) {
  const Token token = next();
  constexpr std::string_view kKey = "build=", kHex = "0123456789abcdef";
  to = token.text.substr(std::min(kKey.size(), token.text.size()));
  const bool right = token.text.starts_with(kKey) && !to.empty() &&
                     to.find_first_not_of(kHex) == std::string::npos;
  return right || fail(token, quote(token.text) + " where build=ID must stand, ID in hex digits");
}

bool Parser::read_seed() {
  const auto seed = read_number("seed", next(), 0, std::numeric_limits<std::uint64_t>::max());
  schedule_.seed = seed.value_or(0);
  return seed.has_value();
}

bool Parser::read_op() {
  if (!has_header(keyword_)) return false;
  if (schedule_.operations.size() == kMaxScheduleOperations) {
    return fail(keyword_,
                "one op too many; " + std::to_string(kMaxScheduleOperations) + " are allowed");
  }
  stage_ = Stage::body;
  Operation operation;
  if (!read_name("site", next(), names_of(catalog_.sites), operation.site)) return false;
  const CatalogEntry& site = *find_entry(catalog_.sites, operation.site);
  for (;;) {
    const auto field = next_field();
    if (!field) return false;
    if (field->name.text.empty()) break;
    if (!read_argument("site", site, *field, operation.args)) return false;
  }
  schedule_.operations.push_back(std::move(operation));
  return true;
}

bool Parser::read_inject() {
  std::vector<Injection>& injections = schedule_.operations.back().injections;
  if (injections.size() == kMaxScheduleInjections) {
    return fail(keyword_, "one injection too many; " + std::to_string(kMaxScheduleInjections) +
                              " are allowed in an op");
  }
  Injection injection;
  const Token signal = next();
  if (!read_name("signal", signal, names_of(kSignals), injection.signal)) return false;
  const Token at = next();
  if (at.text != "at") {
    return fail(at, quote(at.text) + " where \"at\" must stand: inject SIGNAL at SYMBOL+0xOFFSET");
  }
  const Token boundary = next();
  injection.place = Place{line_number_, boundary.column};
  if (!read_boundary(boundary, injection.at) || !read_fields(injection)) return false;
  if (injection.signal == "SIGALRM" && injection.by != Source::itimer) {
    return fail(signal, "SIGALRM without by=itimer; it is allowed only with by=itimer");
  }
  injections.push_back(std::move(injection));
  return true;
}

bool Parser::read_boundary(Token token, BoundaryName& at) {
  std::string_view rest = token.text;
  const std::string_view symbol = cut(rest, '+');
  const auto offset = parse_number(rest);
  if (symbol.empty() || !offset || !std::ranges::all_of(symbol, is_graph)) {
    return fail(token, "boundary " + quote(token.text) +
                           "; it must be SYMBOL+OFFSET, the offset decimal or with 0x: enter+0x2f");
  }
  at.symbol = symbol;
  at.offset = *offset;
  return true;
}

// Options come in any order. A handler's arguments stand behind its name, which says what they may
// be.
bool Parser::read_fields(Injection& injection) {
  bool given[std::size(kOptions)] = {};
  for (;;) {
    const auto field = next_field();
    if (!field) return false;
    const auto& [name, value] = *field;
    if (name.text.empty() && !injection.handler.empty()) return true;
    if (name.text.empty()) {
      return fail(name,
                  "handler=NAME is missing; allowed: " + listed(names_of(catalog_.handlers), {}));
    }
    const auto option = std::ranges::find(kOptions, name.text, &Option::name);
    if (option != std::end(kOptions)) {
      if (std::exchange(given[option - std::begin(kOptions)], true)) {
        return fail(name, "a second " + std::string(name.text) + "=; one is allowed");
      }
      if (!(this->*option->read)(value, injection)) return false;
    } else if (injection.handler.empty()) {
      return fail(name, "unknown option " + quote(name.text) +
                            "; allowed: nth, phase, by, in, handler, and behind handler=NAME its "
                            "arguments");
    } else {
      const CatalogEntry& handler = *find_entry(catalog_.handlers, injection.handler);
      if (!read_argument("handler", handler, *field, injection.args)) return false;
    }
  }
}

bool Parser::read_nth(Token value, Injection& injection) {
  const auto nth = read_number("nth", value, 1, std::numeric_limits<std::uint32_t>::max());
  injection.at.nth = static_cast<std::uint32_t>(nth.value_or(1));
  return nth.has_value();
}

bool Parser::read_phase(Token value, Injection& injection) {
  const auto phase = Phase::parse(value.text);
  injection.phase = phase.value_or(Phase());
  return phase.has_value() ||
         fail(value, "phase " + quote(value.text) +
                         "; it must be PART/key=value/...#N, N from 1, such as "
                         "stub.switched/sp=other/live=s0+s1#3");
}

bool Parser::read_by(Token value, Injection& injection) {
  std::string name;
  if (!read_name("source", value, names_of(kSourceNames), name)) return false;
  injection.by = *source_from_name(name);
  if ((injection.by == Source::itimer) == (injection.signal == "SIGALRM")) return true;
  return fail(value, "by=" + name + " with " + injection.signal +
                         "; SIGALRM is allowed only with by=itimer, and by=itimer only with it");
}

bool Parser::read_in(Token value, Injection& injection) {
  const std::size_t earlier = schedule_.operations.back().injections.size();
  if (earlier == 0) {
    return fail(value, "in=" + quote(value.text) +
                           "; it must name an earlier injection of the same op, and there is none");
  }
  const auto in = read_number("in (an earlier injection of the same op)", value, 1, earlier);
  if (in) injection.in = static_cast<std::uint32_t>(*in);
  return in.has_value();
}

bool Parser::read_handler(Token value, Injection& injection) {
  return read_name("handler", value, names_of(catalog_.handlers), injection.handler);
}

bool Parser::read_expect() {
  stage_ = Stage::tail;
  Expectation expect;
  if (!read_name("verdict", next(), names_of(catalog_.verdicts), expect.verdict)) return false;
  const Token slot = next();
  if (!slot.text.empty() && !read_name("slot", slot, names_of(catalog_.slots), expect.slot)) {
    return false;
  }
  schedule_.expect = std::move(expect);
  return true;
}

bool Parser::read_origin() {
  const std::string_view text = origin_text(line_.substr(position_));
  if (text.empty()) return fail(next(), "origin without a text; any text is allowed");
  schedule_.origin = text;
  position_ = line_.size();
  return true;
}

bool Parser::read_name(std::string_view what, Token token, const Names& allowed, std::string& to) {
  if (!token.text.empty() && std::ranges::find(allowed, token.text) != allowed.end()) {
    to = token.text;
    return true;
  }
  const std::string name(what);
  return fail(token, (token.text.empty() ? name + " is missing"
                                         : "unknown " + name + " " + quote(token.text)) +
                         "; allowed: " + listed(allowed, token.text));
}

std::optional<std::uint64_t> Parser::read_number(std::string_view what, Token token,
                                                 std::uint64_t least, std::uint64_t most) {
  const auto number = parse_number(token.text);
  if (number && *number >= least && *number <= most) return number;
  const std::string limit = most > 0xffff ? hex(most) : std::to_string(most);
  fail(token, std::string(what) + " is " + quote(token.text) + "; it must be a number from " +
                  std::to_string(least) + " to " + limit + ", decimal or with 0x");
  return std::nullopt;
}

bool Parser::read_argument(std::string_view kind, const CatalogEntry& owner, const Field& field,
                           std::vector<Argument>& to) {
  const std::string slot(field.name.text);
  const std::string whose = std::string(kind) + " " + owner.name;
  if (owner.slots.empty()) {
    return fail(field.name, whose + " takes no arguments; " + quote(slot) + " must go");
  }
  if (std::ranges::find(owner.slots, slot) == owner.slots.end()) {
    return fail(field.name, whose + " has no slot " + quote(slot) +
                                "; allowed: " + listed(names_of(owner.slots), slot));
  }
  if (std::ranges::find(to, slot, &Argument::slot) != to.end()) {
    return fail(field.name, "a second " + slot + "=; one is allowed");
  }
  const unsigned bits = std::min(catalog_.word_bits, 64U);
  const std::uint64_t most = bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - bits);
  const auto value = read_number(slot, field.value, 0, most);
  if (value) to.push_back({slot, *value});
  return value.has_value();
}

}  // namespace

std::variant<Schedule, ParseError> parse_schedule(std::string_view text, std::string_view file,
                                                  const Catalog& catalog) {
  return Parser(text, file, catalog).parse();
}

bool is_adapter_word(std::string_view text) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+";
  return !text.empty() && text.find_first_not_of(kAllowed) == text.npos;
}

std::vector<std::string> schedule_words() {
  return Parser::words();
}

}  // namespace sigsweep
