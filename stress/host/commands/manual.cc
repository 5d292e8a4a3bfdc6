#include "stress/host/commands/manual.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "stress/host/finding.h"

namespace sigsweep {
namespace {

// ---- what an app has

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  std::vector<const CLI::App*> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) commands.push_back(command);
  }
  return commands;
}

std::vector<const CLI::Option*> shown(const CLI::App& app, bool positional) {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty() && option->get_positional() == positional)
      options.push_back(option);
  }
  return options;
}

// "-h", "--help".
std::vector<std::string> spellings(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

bool takes_value(const CLI::Option& option) {
  return option.get_expected_max() != 0;
}

// Of "TEXT:{amd64,386}" the words in the braces; of another type none.
std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{'), end = type.find('}');
  std::vector<std::string> values;
  if (begin == type.npos || end == type.npos) return values;
  for (const std::string& word : CLI::detail::split(type.substr(begin + 1, end - begin - 1), ','))
    values.push_back(CLI::detail::trim_copy(word));
  return values;
}

// "direct|kill|peer", "N", "FILE": what stands behind a flag.
std::string placeholder(const CLI::Option& option) {
  const auto values = values_of(option);
  if (!values.empty()) return fmt::format("{}", fmt::join(values, "|"));
  return option.get_type_name().starts_with("TEXT") ? "TEXT" : "N";
}

// ---- man pages

std::string upper_case(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// As troff wants it: a backslash, and a dot or quote at the beginning of a line, are not its own.
std::string troff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string option_entry(const CLI::Option& option) {
  std::string head;
  for (const std::string& name : spellings(option))
    head += (head.empty() ? "\\fB" : ", \\fB") + troff(name) + "\\fR";
  if (takes_value(option)) head += " \\fI" + troff(placeholder(option)) + "\\fR";
  std::string text = ".TP\n" + head + "\n" + troff(option.get_description());
  if (!option.get_default_str().empty()) text += " [" + troff(option.get_default_str()) + "]";
  if (option.get_required()) text += " (must be given)";
  return text + "\n";
}

std::string synopsis(const CLI::App& app, const std::string& name) {
  std::string text = ".SH SYNOPSIS\n.B " + troff(name) + "\n";
  if (!shown(app, false).empty()) text += "[\\fIFLAG\\fR...] ";
  for (const CLI::Option* option : shown(app, true)) {
    const std::string word = "\\fI" + troff(option->get_name(true)) + "\\fR" +
                             (option->get_expected_max() > 1 ? "..." : "");
    text += option->get_required() ? word + " " : "[" + word + "] ";
  }
  if (!commands_of(app).empty()) text += "\\fICOMMAND\\fR ...";
  return text + "\n";
}

std::string option_entries(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : shown(app, true)) {
    text += ".TP\n\\fI" + troff(option->get_name(true)) + "\\fR\n" +
            troff(option->get_description()) + "\n";
  }
  for (const CLI::Option* option : shown(app, false)) text += option_entry(*option);
  return text;
}

// Of `sigsweep` itself: its commands, each of which has a page.
std::string commands_section(const CLI::App& app) {
  std::string text = ".SH COMMANDS\n";
  for (const CLI::App* command : commands_of(app)) {
    text += fmt::format(".TP\n.BR {}\\-{} (1)\n{}\n", app.get_name(), troff(command->get_name()),
                        troff(command->get_description()));
  }
  return text;
}

// Of a command with parts, such as `history`: they stand on its page.
std::string parts_sections(const CLI::App& app, const std::string& name) {
  std::string text;
  for (const CLI::App* part : commands_of(app)) {
    text += ".SH " + troff(name + " " + part->get_name()) + "\n" + troff(part->get_description()) +
            "\n" + option_entries(*part);
  }
  return text;
}

constexpr const char* kStatuses = R"(.SH EXIT STATUS
0 as expected; 1 a finding; 2 usage or bad input; 3 the harness itself failed; 4 stopped early, what is
written is whole; 77 skipped or not built, and why.
)";

// `name`: "sigsweep", or "sigsweep sweep".
std::string man_page(const CLI::App& app, const std::string& name, const std::string& version) {
  const bool whole = app.get_parent() == nullptr;
  std::string title = name;
  std::ranges::replace(title, ' ', '-');
  const std::string first = version.substr(0, version.find(' '));
  return fmt::format(".TH {} 1 \"\" \"sigsweep {}\" \"User Commands\"\n", troff(upper_case(title)),
                     troff(first)) +
         ".SH NAME\n" + troff(title) + " \\- " + troff(app.get_description()) + "\n" +
         synopsis(app, name) + ".SH OPTIONS\n" + option_entries(app) +
         (whole ? commands_section(app) : parts_sections(app, name)) + kStatuses +
         ".SH SEE ALSO\nThe pages below /usr/share/doc/sigsweep; docs/guide.md is the first to "
         "read.\n";
}

// ---- completion

// The words that a command takes: its parts and its flags.
std::string words_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* part : commands_of(app)) words.push_back(part->get_name());
  for (const CLI::Option* option : shown(app, false)) {
    for (const std::string& name : spellings(*option)) words.push_back(name);
  }
  return fmt::format("{}", fmt::join(words, " "));
}

// A case each for the flags of all commands whose values are known.
std::string value_cases(const CLI::App& app) {
  std::string text;
  for (const CLI::App* command : commands_of(app)) {
    for (const CLI::Option* option : shown(*command, false)) {
      const auto values = values_of(*option);
      if (values.empty()) continue;
      text += fmt::format("    {}:{}) words=\"{}\" ;;\n", command->get_name(),
                          spellings(*option).back(), fmt::join(values, " "));
    }
  }
  return text;
}

std::string command_cases(const CLI::App& app) {
  std::string text;
  for (const CLI::App* command : commands_of(app))
    text += fmt::format("      {}) words=\"{}\" ;;\n", command->get_name(), words_of(*command));
  return text;
}

// A value that is not known is a file's name: that is what bash then completes.
std::string bash_completion(const CLI::App& app) {
  return fmt::format(R"(# bash completion of sigsweep; made from its flags
_sigsweep() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} words=""
  case ${{COMP_WORDS[1]}}:$before in
{}    *:--*) [[ $current == -* ]] || return 0 ;;
  esac
  if [[ -z $words ]] && ((COMP_CWORD == 1)); then
    words="{}"
  elif [[ -z $words && ( $current == -* || $COMP_CWORD == 2 ) ]]; then
    case ${{COMP_WORDS[1]}} in
{}    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _sigsweep sigsweep
)",
                     value_cases(app), words_of(app), command_cases(app));
}

// In single quotes, as zsh and fish read them.
std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != text.npos; at += 4)
    text.replace(at, 1, "'\\''");
  return "'" + text + "'";
}

// A description inside the brackets of zsh's _arguments.
std::string bracketed(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_option(const CLI::Option& option) {
  std::string text;
  for (const std::string& name : spellings(option)) {
    std::string spec = name + "[" + bracketed(option.get_description()) + "]";
    const auto values = values_of(option);
    if (takes_value(option)) {
      spec += values.empty() ? ":value:_files" : fmt::format(":value:({})", fmt::join(values, " "));
    }
    text += " \\\n        " + quoted(spec);
  }
  return text;
}

std::string zsh_completion(const CLI::App& app) {
  std::string commands, cases;
  for (const CLI::App* command : commands_of(app)) {
    commands += "    " + quoted(command->get_name() + ":" + command->get_description()) + "\n";
    std::string specs;
    for (const CLI::Option* option : shown(*command, false)) specs += zsh_option(*option);
    std::vector<std::string> parts;
    for (const CLI::App* part : commands_of(*command)) parts.push_back(part->get_name());
    const std::string rest =
        parts.empty() ? "'*:file:_files'"
                      : fmt::format("'1:part:({})' '*:file:_files'", fmt::join(parts, " "));
    cases += fmt::format("    {})\n      _arguments{} \\\n        {} ;;\n", command->get_name(),
                         specs, rest);
  }
  return fmt::format(R"(#compdef sigsweep
# made from its flags
_sigsweep() {{
  local -a commands=(
{}  )
  if ((CURRENT == 2)); then
    _describe command commands
    _arguments '--help[print what it does]' '--version[print version, commit and compiler]'
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
{}  esac
}}
_sigsweep "$@"
)",
                     commands, cases);
}

std::string fish_completion(const CLI::App& app) {
  std::string text = "# made from its flags\ncomplete -c sigsweep -n __fish_use_subcommand -f\n";
  for (const CLI::App* command : commands_of(app)) {
    const std::string name = command->get_name();
    text += fmt::format("complete -c sigsweep -n __fish_use_subcommand -a {} -d {}\n", name,
                        quoted(command->get_description()));
    const std::string in =
        fmt::format("complete -c sigsweep -n '__fish_seen_subcommand_from {}'", name);
    for (const CLI::App* part : commands_of(*command))
      text +=
          fmt::format("{} -a {} -d {}\n", in, part->get_name(), quoted(part->get_description()));
    for (const CLI::Option* option : shown(*command, false)) {
      text += in;
      for (const std::string& one : option->get_snames()) text += " -s " + one;
      for (const std::string& one : option->get_lnames()) text += " -l " + one;
      const auto values = values_of(*option);
      if (!values.empty()) text += fmt::format(" -x -a '{}'", fmt::join(values, " "));
      if (values.empty() && takes_value(*option)) text += " -r";
      text += " -d " + quoted(option->get_description()) + "\n";
    }
  }
  return text;
}

}  // namespace

std::map<std::string, std::string> manual_of(const CLI::App& app, const std::string& version) {
  std::map<std::string, std::string> files;
  const std::string& name = app.get_name();
  files["man/man1/" + name + ".1"] = man_page(app, name, version);
  for (const CLI::App* command : commands_of(app)) {
    files[fmt::format("man/man1/{}-{}.1", name, command->get_name())] =
        man_page(*command, name + " " + command->get_name(), version);
  }
  files["bash-completion/completions/" + name] = bash_completion(app);
  files["zsh/site-functions/_" + name] = zsh_completion(app);
  files["fish/vendor_completions.d/" + name + ".fish"] = fish_completion(app);
  return files;
}

void write_manual(const CLI::App& app, const std::string& version, const std::string& folder) {
  for (const auto& [name, text] : manual_of(app, version))
    write_text(fmt::format("{}/{}", folder, name), text);
}

}  // namespace sigsweep
